"""A merge in memory: a changed recipe redoes only the tensors that it changes, and the model that holds them speaks at once.

python -m examples.live_session
"""

import time

from merger import Parents, Session, load_recipe
from merger.chat.load import chat_model
from merger.recipe import replace

recipe = load_recipe("presets/pirate_and_plurals.yaml")
session = Session(Parents())
session.apply(recipe)
assert session.plan is not None
voice = chat_model(session.parents.model(session.plan.config_source).folder, session.plan.config, session.tensors)

for weight in (0.5, 0.2, 0.0, [1.0, 0.0]):  # the last: a curve, from the first layer to the last
    begin = time.perf_counter()
    redone = session.apply(replace(recipe, "models[0].parameters.weight", weight))
    seconds = time.perf_counter() - begin
    said = "".join(token.text for token in voice.tokens("say hello my friend like a pirate", 40)).strip()
    print(f"pirate at {weight}: {said}   ({len(redone)} tensors in {1000 * seconds:.0f} ms)")
