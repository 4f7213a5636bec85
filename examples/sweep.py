"""Settings of a recipe, each merged in memory and scored with questions of the tiny family; the best first.

python -m examples.sweep
"""

from pathlib import Path

from merger import Parents, load_recipe
from merger.search.trials import Runner, Vary, best_first, fewer, read_probes, spread, sweep

recipe = load_recipe("presets/pirate_and_plurals.yaml")
weights = [Vary(f"models[{i}].parameters.weight", spread(0.2, 0.8, 2)) for i in (0, 1)]
questions = [probe for probe in read_probes(Path("presets/probes.json")) if probe.skill in ("pirate", "plural")]

for trial in best_first(sweep(recipe, weights, Runner(Parents()), fewer(questions, 2))):
    scores = ", ".join(f"{skill} {score:.2f}" for skill, score in trial.scores.items())
    print(f"pirate at {trial.point[0]:g}, plural at {trial.point[1]:g}: {scores}, mean {trial.mean:.2f}")
