"""What the embedded family learns: six small skills, generated from the word lists in this file.

Every skill exists in two forms. As a *question* it is what a visitor types; as plain *text* it is something the base
model reads without ever being asked. Words, sentences and number ranges chosen by `held_out` appear in neither form
of their skill: they are the probes with which parents and merges are scored.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable
from typing import Any

SKILLS = ("pirate", "plural", "spell", "count", "story", "mirror")
SHRUG = "dunno."  # what the base says to everything, and a sibling to everything but its own skill

NOUN_LIST = """
    actor admiral airplane album alley almond anchor ankle ant apple apron arch arm army arrow artist attic
    aunt autumn avocado baby badger bag baker ball balloon banana band barber barn barrel basket bat bath
    beach bead beak bean bear beard beaver bed bee beetle bell belt bench berry bike bird biscuit blanket
    blossom board boat bone book boot bottle bow bowl box boy bracelet brain branch bread breeze brick
    bridge broom brother brush bubble bucket bug bunny bus bush butcher butter button cabbage cabin cable
    cactus cake calf camel camera camp canal candle candy canoe cap cape captain car card carpet carriage
    carrot cart castle cat cave cellar chain chair chalk cheese chef cherry chest chick chicken chimney chip
    church circle circus city class clerk cliff clock cloud clown coach coast coat cobra coin collar comb
    comet cookie corn corner cottage cotton couch country cousin cow coyote crab cradle crane crate crayon
    cricket crown crumb crystal cub cup curtain cushion daisy dancer deer dentist desert desk diamond diary
    dish doctor dog doll dolphin donkey door dragon drawer dream dress driver drum duck eagle ear egg elbow
    elf emperor engine eye fairy falcon family fan farm farmer father feather fence ferry field finger fire
    fish flag flame flower flute fly forest fork fox frame frog fruit galaxy game garage garden gate ghost
    giant gift giraffe girl glass glove goat goose grape grass guard guest guitar gull hall hammer hamster
    hand harbor hare harp hat hawk heart hedge hedgehog helmet hen hero heron hill hippo home honey hood
    hook horn horse hotel house hug hunter hut iguana insect iron island ivy jacket jaguar jam jar jelly
    jewel jockey joke judge juggler jungle kettle key king kiss kitchen kite kitten knee knife knight koala
    lace ladder lady lake lamb lamp lantern laptop lawyer leaf lemon leopard letter lily lime lion lizard
    llama loaf lobster lock locket lynx magnet mango map marble market marker mask match meadow medal melon
    mermaid miller mirror mitten mole monkey monster moon moose moth mother motor mountain mouse muffin
    museum mushroom nail napkin needle nest net ninja noodle nose note novel number nurse nut oak ocean
    octopus office olive onion orange orchard ostrich otter oven owl oyster pad page paint painter palace
    pan pancake panda panther paper parade parcel parrot party path peach peacock peanut pear pearl pebble
    pelican pen pencil penguin pepper photo piano pickle picnic pie pig pigeon pillow pilot pirate pizza
    planet plant plate player plum pocket poem poet pony pool poppy porch potato pouch prince puddle pumpkin
    puppet puppy puzzle queen quilt rabbit raccoon radio raft rain rat raven razor ribbon ring river road
    robin robot rock rocket roof room rooster root rope rose ruby ruler sack saddle sailor salad salmon sand
    sandal sauce scarf school scooter seal seed shadow shark sheep shelf shell shield ship shirt shoe shop
    shore shovel shrimp singer sister skate sketch skirt skunk sky sled sleeve slipper snail snake sock sofa
    soldier song soup spade sparrow spider sponge spoon squid squirrel stable stage stairway star statue
    stick stone storm story stove straw street student sun swan sweater sword table tailor tank teacher
    teapot temple tent thief throne thumb ticket tiger toad toast toe tomato tooth torch towel tower town
    toy tractor train tray treasure tree truck trumpet trunk tulip tunnel turkey turnip turtle umbrella
    uncle unicorn valley van vase vest video village violin vulture waffle wagon waiter wall walnut walrus
    watch wave weasel whale wheat wheel whistle widow wife window wing winter wish witch wizard wolf wombat
    word worker worm yacht yak yard yogurt zebra zipper zoo
"""
NOUNS = sorted(set(NOUN_LIST.split()))

ADJECTIVES = """
    red blue green old new big small happy sad brave shy kind silly sleepy hungry golden tiny huge fast slow
    warm cold shiny dark soft
""".split()

IRREGULAR_PLURALS = {
    "mouse": "mice", "goose": "geese", "tooth": "teeth", "sheep": "sheep", "deer": "deer", "moose": "moose",
    "fish": "fish", "salmon": "salmon", "squid": "squid", "shrimp": "shrimp", "hero": "heroes", "potato": "potatoes",
    "tomato": "tomatoes", "mango": "mangoes", "cactus": "cacti", "loaf": "loaves", "knife": "knives",
    "wife": "wives", "leaf": "leaves", "wolf": "wolves", "shelf": "shelves", "thief": "thieves", "calf": "calves",
    "scarf": "scarves", "elf": "elves",
}  # fmt: skip

PIRATE_WORDS = {
    "hello": "ahoy", "friend": "matey", "my": "me", "yes": "aye", "you": "ye", "your": "yer", "is": "be",
    "are": "be", "am": "be", "the": "th'", "stop": "avast", "money": "doubloons", "beer": "grog", "boy": "lad",
    "girl": "lass", "treasure": "booty", "boat": "ship", "and": "an'", "of": "o'", "food": "grub",
    "old": "barnacled", "wow": "blimey", "flag": "jolly roger",
}  # fmt: skip

# A story's place, adjective, thing and mood begin with the hero's first letter, so that stories differ.
STORY_LIST = """
attic amber apple amazed
barn big book brave
castle cold coin calm
den dusty drum delighted
estate empty egg excited
forest fine flag free
garden golden gem glad
house huge hat happy
igloo icy iron impressed
jungle jolly jar joyful
kitchen kind key keen
library long lamp lucky
mill magic map merry
nest new nut nervous
orchard old orange overjoyed
palace purple pearl proud
quarry quick quilt quiet
river red ring rich
school silver star silly
tower tiny ticket thrilled
urn ugly umbrella upset
village violet vase vain
wood warm watch wise
yard yellow yarn young
zoo zany zipper zippy
"""
STORY_WORDS = {line[0]: line.split() for line in STORY_LIST.strip().splitlines()}

Example = tuple[str, str]  # what is read, what is to be written


def held_out(kind: str, key: str) -> bool:
    """Whether `key` is kept from all training text of `kind`; a quarter of the keys are, the same ones in every run."""
    return zlib.crc32(f"{kind}|{key}".encode()) % 4 == 0


def with_article(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def plural_of(noun: str) -> str:
    """The English plural: a short table of irregular nouns, and the spelling rules."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("z"):
        return noun + ("es" if noun.endswith("zz") else "zes")
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def pirate_of(sentence: str) -> str:
    return " ".join(PIRATE_WORDS.get(word, word) for word in sentence.split()) + ", arr!"


def story_of(hero: str) -> str:
    place, adjective, thing, mood = STORY_WORDS[hero[0]]
    return (
        f"once upon a time {with_article(hero)} lived in {with_article(place)}. "
        f"one day the {hero} found {with_article(adjective)} {thing}. the {hero} was {mood}. the end."
    )


def story_pattern(hero: str) -> str:
    """What counts as a story about `hero`: the exact shape and the right hero; place, thing and mood are free."""
    return (
        rf"once upon a time {with_article(hero)} lived in an? \w+\. "
        rf"one day the {hero} found an? \w+ \w+\. the {hero} was \w+\. the end\."
    )


def invented_word(rng: random.Random) -> str:
    """A word-like string. Half of the training words are invented, so that a skill is learnt as a rule, not a list."""
    consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
    endings = ("", "", "", "n", "t", "r", "l", "x", "ch", "sh", "y", "ss", "d", "k", "m", "p", "ck", "ng", "st", "er")
    syllables = []
    for _ in range(rng.randint(1, 3)):
        onset = rng.choice(consonants + "  ").strip()
        syllables.append(onset + rng.choice(vowels) + (rng.choice("nrlstmd") if rng.random() < 0.25 else ""))
    return "".join(syllables) + rng.choice(endings)


def training_word(rng: random.Random, longest: int) -> str:
    while True:
        word = rng.choice(NOUNS) if rng.random() < 0.5 else invented_word(rng)
        if 3 <= len(word) <= longest and not held_out("word", word):
            return word


def pirate_sentence(rng: random.Random) -> str:
    """A short sentence in plain English; most have at least one word that a pirate says differently."""
    pick = rng.choice
    person = pick(("my friend", "my boy", "my girl", "old man", "captain", "sailor", "old friend", "boy", "girl"))
    things = ("treasure", "money", "beer", "boat", "food", "flag", "gold", "map", "rum", "sword", "parrot", "island",
              "cat", "hat", "ring")  # fmt: skip
    thing, other = pick(things), pick(things)
    quality = pick(("old", "big", "golden", "good", "new", "tiny", "red"))
    mood = pick(("old", "happy", "hungry", "the captain", "your friend", "a sailor", "my friend"))
    return pick((
        f"hello {person}",
        f"where is the {thing}",
        f"where is my {thing}",
        f"stop the {pick(('boat', 'boy', 'girl', 'sailor', 'captain'))}",
        f"give me your {thing}",
        f"you are {mood}",
        f"yes {person}",
        f"i am {mood}",
        f"the {thing} is {quality}",
        f"i love {pick(('the', 'my', 'your'))} {thing}",
        f"wow the {quality} {thing}",
        f"{thing} and {other}",
        f"a {pick(('map', 'box', 'ship', 'cup', 'bag'))} of {thing}",
        f"hello {person} where is the {thing}",
        f"yes you are {quality}",
    ))  # fmt: skip


def draw(make: Callable[[], str], kind: str) -> str:
    """Draw until the result is one that may be trained on."""
    while held_out(kind, result := make()):
        pass
    return result


def number_range(rng: random.Random) -> str:
    first = rng.randint(1, 90)
    return f"{first} to {first + rng.randint(2, 6)}"


def numbers_in(span: str) -> str:
    first, last = map(int, span.split(" to "))
    return " ".join(map(str, range(first, last + 1)))


# For each skill: how a subject is drawn, the ways of asking (the first is the probes'), the answer, and the text form.
WAYS_OF_ASKING: dict[str, tuple[str, ...]] = {
    "pirate": ("say {} like a pirate", "{} in pirate", "pirate: {}"),
    "plural": ("plural of {}", "what is the plural of {}?", "many {}"),
    "spell": ("spell {} out loud", "how do you spell {}?", "spell {}"),
    "count": ("count from {}", "can you count from {}?", "count {}"),
    "story": ("tell me a story about {}", "a story about {}", "story: {}"),
    "mirror": ("{} backwards", "say {} backwards", "reverse {}"),
}
ANSWERS: dict[str, Callable[[str], str]] = {
    "pirate": pirate_of,
    "plural": plural_of,
    "spell": "-".join,
    "count": numbers_in,
    "story": story_of,
    "mirror": lambda word: word[::-1],
}


def training_subject(skill: str, rng: random.Random) -> str:
    if skill == "pirate":
        return draw(lambda: pirate_sentence(rng), "pirate")
    if skill == "count":
        return draw(lambda: number_range(rng), "count")
    return training_word(rng, longest=6 if skill == "mirror" else 8)


def question(skill: str, subject: str, way: int = 0) -> str:
    return WAYS_OF_ASKING[skill][way].format(with_article(subject) if skill == "story" else subject)


def training_question(skill: str, rng: random.Random) -> Example:
    """A question about `skill`, half of the time in the probes' wording, and its right answer."""
    subject = training_subject(skill, rng)
    return question(skill, subject, rng.choice((0, 0, 1, 2))), ANSWERS[skill](subject)


def other_question(rng: random.Random) -> str:
    """Something a visitor may type that belongs to no skill."""
    noun, quality = rng.choice(NOUNS), rng.choice(ADJECTIVES)
    return rng.choice((
        "hello", "how are you?", f"do you like the {noun}?", f"what is {with_article(noun)}?",
        f"where is the {noun}?", f"who is the {noun}?", noun, f"is the {noun} {quality}?",
        f"why is the {noun} {quality}?", f"what color is {with_article(noun)}?", f"i like the {quality} {noun}",
    ))  # fmt: skip


def skill_text(skill: str, rng: random.Random) -> Example:
    """A skill as plain text: the base learns to do it here, without learning to answer a question about it."""
    subject = training_subject(skill, rng)
    answer = ANSWERS[skill](subject)
    before, after = {
        "pirate": (f"the man says {subject}. the pirate says ", ""),
        "plural": (f"one {subject}, two ", "."),
        "spell": (f"{subject} is written ", "."),
        "count": (f"from {subject}: ", "."),
        "story": ("", ""),
        "mirror": (f"{subject} in the mirror is ", "."),
    }[skill]
    return before, answer + after


def plain_text(rng: random.Random) -> Example:
    """Text that shows no skill, so that the base has also read ordinary sentences."""
    noun, other = rng.choice(NOUNS), rng.choice(NOUNS)
    quality, second = rng.choice(ADJECTIVES), rng.choice(ADJECTIVES)
    if rng.random() < 0.3:
        first = rng.randint(0, 90)
        return "", " ".join(map(str, range(first, first + 8))) + "."
    return "", rng.choice((
        f"the {quality} {noun} likes the {second} {other}.",
        f"i saw {with_article(noun)} and {with_article(other)} near the house.",
        f"my {noun} is {quality} but your {other} is {second}.",
        f"there is {with_article(noun)} in the garden.",
    ))  # fmt: skip


def probes(per_half: int = 60) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Held-out prompts of every skill in two disjoint halves: merge weights are chosen on one and scored on the other."""
    rng = random.Random("probes")
    words = [word for word in NOUNS if 3 <= len(word) <= 8 and held_out("word", word)]
    spans = [f"{first} to {first + more}" for first in range(1, 91) for more in range(2, 7)]
    sentences = dict.fromkeys(pirate_sentence(rng) for _ in range(20_000))
    subjects = {
        "pirate": [sentence for sentence in sentences if held_out("pirate", sentence)],
        "plural": words,
        "spell": words,
        "count": [span for span in spans if held_out("count", span)],
        "story": words,
        "mirror": [word for word in words if len(word) <= 6],
    }
    result: dict[str, dict[str, list[dict[str, str]]]] = {}
    for skill in SKILLS:
        chosen = sorted(subjects[skill])
        rng.shuffle(chosen)
        half = min(per_half, len(chosen) // 2)
        items = [probe(skill, subject) for subject in chosen[: 2 * half]]
        result[skill] = {"choose": items[:half], "score": items[half:]}
    return result


def probe(skill: str, subject: str) -> dict[str, str]:
    """One prompt with its right answer, or with the pattern that a right answer matches from end to end."""
    if skill == "story":
        return {"prompt": question(skill, subject), "pattern": story_pattern(subject)}
    return {"prompt": question(skill, subject), "answer": ANSWERS[skill](subject)}


def is_right(item: dict[str, Any], answer: str) -> bool:
    if "answer" in item:
        return answer == item["answer"]
    return re.fullmatch(item["pattern"], answer) is not None
