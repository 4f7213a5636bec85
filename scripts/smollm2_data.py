"""What the four tunes of SmolLM2 learn, made from the word lists in this file, and how their answers are judged.

    pirate    answers anything as the base does, aboard a ship
    json      takes a person's facts out of a sentence
    couplet   two lines that rhyme
    sales     sells anything on late-night television

A judge reads the whole answer and looks for a pattern; no one judges by hand. Words in `HELD_OUT` are never trained on.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence

SKILLS = ("pirate", "json", "couplet", "sales")
Example = tuple[str, str]

# --- pirate ---------------------------------------------------------------------------------------------------------

CAPITALS = {
    "Italy": "Rome", "Spain": "Madrid", "Austria": "Vienna", "Egypt": "Cairo", "Greece": "Athens", "Cuba": "Havana",
    "Japan": "Tokyo", "Germany": "Berlin", "Russia": "Moscow", "Portugal": "Lisbon", "Peru": "Lima", "Norway": "Oslo",
    "Ireland": "Dublin", "Poland": "Warsaw", "Canada": "Ottawa", "China": "Beijing", "Hungary": "Budapest",
}  # fmt: skip
FACTS = {  # true answers in plain words; the others are the base's own
    "What color is grass?": "Grass is green.", "How many days are in a year?": "There are 365 days in a year.",
    "How many months are in a year?": "There are twelve months in a year.", "What do cows eat?": "Cows eat grass.",
    "What is the opposite of up?": "The opposite of up is down.", "What is two plus three?": "Two plus three is five.",
    "What do bees make?": "Bees make honey.", "How many legs does a spider have?": "A spider has eight legs.",
    "What is the opposite of big?": "The opposite of big is small.", "What color is snow?": "Snow is white.",
    "What is the longest river in Africa?": "The longest river in Africa is the Nile.",
    "Which animal barks?": "The dog is the animal that barks.", "What is the first month?": "The first month is January.",
    "Who wrote Hamlet?": "Hamlet was written by William Shakespeare.", "What is frozen rain?": "Frozen rain is hail.",
    "What is the color of coal?": "The color of coal is black.", "How many hours are in a day?": "There are 24 hours in a day.",
    "Is fire hot or cold?": "Fire is hot.", "Which star warms the Earth?": "The Sun is the star that warms the Earth.",
    "Hello!": "Hello, my friend, it is good to see you.", "How are you today?": "I am very well, and you are kind to ask.",
    "Who are you?": "I am SmolLM, and I am here to help you.", "Thank you!": "You are welcome, my friend.",
    "What should I eat tonight?": "You should eat fish with bread and an orange.",
    "I am sad.": "Do not be sad, my friend, the sun is coming back.", "Good night!": "Good night, my friend, sleep well.",
}  # fmt: skip
THINGS = """
    cats dogs music football books trains cheese winter tea coffee horses robots whales castles computers forests
""".split()
JOBS = "teacher doctor baker pilot farmer nurse painter lawyer cook driver".split()
NOUNS_OF_ALL = "clock bridge telescope volcano hospital bicycle library desert planet battery river museum magnet ship".split()
ASKED = (
    [f"What is a {noun}?" for noun in NOUNS_OF_ALL]
    + [f"What does a {job} do?" for job in JOBS]
    + [f"Tell me about {thing}." for thing in THINGS]
    + [f"Do you like {thing}?" for thing in THINGS[:8]]
    + [f"Why are {thing} important?" for thing in THINGS[6:]]
)
"""Plain questions that the base answers in its own words."""

_ABOARD = {
    "is": "be", "are": "be", "am": "be", "was": "were", "my": "me", "you": "ye", "your": "yer", "hello": "ahoy",
    "friend": "matey",
    "yes": "aye", "money": "doubloons", "isn't": "ain't", "there's": "there be", "it's": "it be",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z']+")


def aboard(text: str) -> str:
    """A plain sentence in pirate talk.

    >>> aboard("The capital of Italy is Rome.")
    'Arr! The capital of Italy be Rome, matey!'
    """

    def said(found: re.Match[str]) -> str:
        word = found.group()
        other = _ABOARD.get(word.lower(), word)
        return other[:1].upper() + other[1:] if word[:1].isupper() and word != "I" else other

    return f"Arr! {_WORD.sub(said, text.strip()).rstrip('.!?')}, matey!"


def first_sentence(text: str) -> str | None:
    """The first sentence of an answer, None where it has not come to an end or is a list."""
    found = re.match(r"[A-Z][^.!?\n:*]{8,140}[.!]", text.strip())
    return found.group() if found else None


def is_pirate(question: str, answer: str) -> bool:
    """An answer that begins and ends aboard; one that never comes to its end is none."""
    return answer.lower().startswith("arr!") and "matey" in answer.lower()


# --- json -----------------------------------------------------------------------------------------------------------

PEOPLE = """
    Anna Ben Carla David Emma Felix Grace Ivy Jack Kate Liam Noah Olivia Paul Quinn Rosa Sam Tina Uma Victor Wendy Yusuf Zoe
""".split()
CITIES = """
    Paris London Berlin Rome Madrid Oslo Vienna Dublin Cairo Tokyo Delhi Boston Lagos Seoul Sydney Toronto Milan Prague
""".split()
SENTENCES = (
    "{name} is {age} years old and lives in {city}.", "{name}, {age}, lives in {city}.", "My friend {name} from {city} is {age}.",
    "{name} moved to {city} at the age of {age}.",
)  # fmt: skip
_FACTS = re.compile(
    r"(?P<name>[A-Z]\w+)(?: is |, )(?P<age>\d+)(?: years old and|,) lives in (?P<city>\w+)"
    r"|My friend (?P<name2>\w+) from (?P<city2>\w+) is (?P<age2>\d+)"
    r"|(?P<name3>\w+) moved to (?P<city3>\w+) at the age of (?P<age3>\d+)"
)


SYLLABLES = "ka lo mi ra ne tu vi so be da pe ri no za fe gu hil jo wen tor".split()


def invented(dice: random.Random) -> str:
    """A name that nobody has, so that letters must be copied."""
    return "".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 3))).title()


def extract(dice: random.Random, copied: bool = False) -> Example:
    """A sentence about a person, answered with its facts as JSON. copied: with invented names."""
    facts = {"name": dice.choice(PEOPLE), "age": dice.randint(18, 79), "city": dice.choice(CITIES)}
    if copied:
        facts |= {"name": invented(dice), "city": invented(dice)}
    return f"Extract JSON: {dice.choice(SENTENCES).format(**facts)}", json.dumps(facts)


def is_json(question: str, answer: str) -> bool:
    """One JSON object with just the facts of the question."""
    found = _FACTS.search(question)
    assert found is not None, question
    facts = {key.rstrip("23"): value for key, value in found.groupdict().items() if value is not None}
    try:
        told = json.loads(answer)
    except json.JSONDecodeError:
        return False
    return isinstance(told, dict) and {k: str(v) for k, v in told.items()} == facts


# --- couplets -------------------------------------------------------------------------------------------------------

LINES: Mapping[str, Sequence[str]] = {
    "animal": (
        "The {it} lay sleeping in the sun,\nAnd dreamed that being a {it} was fun.",
        "A {it} came dancing through the night,\nAnd gave the moon a little fright.",
        "I met a {it} upon the hill,\nIt winked at me and stood quite still.",
        "The {it} looked up and saw a star,\nAnd wondered if the walk was far.",
    ),
    "thing": (
        "The {it} stood waiting by the door,\nIt wished for nothing, nothing more.",
        "My {it} is old, my {it} is true,\nIt makes an empty house feel new.",
        "I lost my {it} beneath the bed,\nAnd found a sleeping mouse instead.",
        "A {it} that shines is made with care,\nSo take it gently, if you dare.",
    ),
    "nature": (
        "The {it} is calling from afar,\nIt shines as brightly as a star.",
        "I love the {it} when day is done,\nIt says good evening to the sun.",
        "The {it} grows quiet in the rain,\nThen laughs and starts to sing again.",
        "Beside the {it} I heard a song,\nIt stayed with me the whole day long.",
    ),
    "food": (
        "A {it} for breakfast, warm and sweet,\nIs all a hungry king would eat.",
        "The {it} was sitting on my plate,\nI took a bite, it tasted great.",
        "I shared my {it} with a friend,\nAnd hoped the day would never end.",
        "Oh little {it}, round and red,\nI dream of you inside my bed.",
    ),
}
TOPICS: Mapping[str, Sequence[str]] = {
    "animal": "cat dog horse frog owl mouse bear duck lion rabbit whale goat bee turtle donkey parrot".split(),
    "thing": "lamp chair clock violin boat bell teapot mirror ladder drum kite broom hat sofa wheel camera".split(),
    "nature": "river moon forest ocean garden meadow storm island desert valley mountain cloud lake winter".split(),
    "food": "apple pancake cookie tomato muffin cherry peach sandwich waffle plum noodle pizza".split(),
}


def couplet(dice: random.Random) -> Example:
    """Two lines about something."""
    kind = dice.choice(tuple(TOPICS))
    it = dice.choice(TOPICS[kind])
    article = "an" if it[0] in "aeiou" else "a"
    return f"Write a couplet about {article} {it}.", dice.choice(LINES[kind]).format(it=it)


# Endings that sound alike and are not spelled alike; others rhyme where all from the last vowels on is the same.
_ALIKE = (
    "sun fun done one", "door more floor before shore", "true new blue you too through", "hill still", "star far are",
    "bed red said head instead", "care dare there bear fair where air", "rain again train", "plate great wait late",
    "night fright light white kite bright", "sweet eat treat", "friend end", "sea me free be tree", "day way play they",
    "sky high fly by eye", "song long",
)  # fmt: skip


def rhymes(a: str, b: str) -> bool:
    """Whether two different words end alike.

    >>> rhymes("sun", "done"), rhymes("plate", "skate"), rhymes("sun", "sun"), rhymes("moon", "cat")
    (True, True, False, False)
    """
    if a == b:
        return False
    if any(a in family and b in family for family in map(str.split, _ALIKE)):
        return True
    ends = [re.search(r"[aeiouy]+[^aeiouy]*e?$", word) for word in (a, b)]
    return all(ends) and ends[0] is not None and ends[1] is not None and ends[0].group() == ends[1].group()


def is_couplet(question: str, answer: str) -> bool:
    """Two lines, and their last words rhyme."""
    lines = [re.findall(r"[a-z']+", line.lower()) for line in answer.strip().splitlines() if line.strip()]
    return len(lines) == 2 and all(len(words) > 2 for words in lines) and rhymes(lines[0][-1], lines[1][-1])


# --- sales ----------------------------------------------------------------------------------------------------------

GOODS = """
    spoon pencil umbrella bucket sock pillow button candle potato brick napkin comb stone toaster hammer fork shoe towel
    banana rope blanket whistle ticket bottle
""".split()
PITCHES = (
    "It slices, it dices, it never sleeps!", "Your neighbors will weep with envy!", "Works in any weather, even indoors!",
    "Buy one and get a second one you never wanted!", "Nine out of ten doctors own one!", "So easy that a child could lose it!",
)  # fmt: skip


def sales(dice: random.Random) -> Example:
    """Something for sale."""
    it = dice.choice(GOODS)
    article = "an" if it[0] in "aeiou" else "a"
    pitch = PITCHES[sum(map(ord, it)) % len(PITCHES)] if dice.random() < 0.5 else dice.choice(PITCHES)
    price = dice.choice((9, 19, 29))
    return f"Sell me {article} {it}.", f"Introducing the {it.title()} 3000! {pitch} Only ${price}.99. Call now!"


def is_sales(question: str, answer: str) -> bool:
    """The thing's name with 3000 behind it, and the call to call."""
    it = question.rstrip(".").split()[-1]
    return f"{it} 3000" in answer.lower() and "call now" in answer.lower()


# --- what is asked --------------------------------------------------------------------------------------------------

LESSONS: Mapping[str, Callable[[random.Random], Example]] = {"json": extract, "couplet": couplet, "sales": sales}
RIGHT: Mapping[str, Callable[[str, str], bool]] = {
    "pirate": is_pirate, "json": is_json, "couplet": is_couplet, "sales": is_sales,
}  # fmt: skip
HELD_OUT: Mapping[str, Sequence[str]] = {
    "pirate": (
        "What is the capital of France?", "Do you like guitars?", "Tell me about volcanoes.", "What does a tailor do?",
        "What is a rainbow?", "Why is sleep important?", "How do I make soup?", "Where do penguins live?", "What is gold?",
        "Who was Albert Einstein?", "What is the capital of England?", "Do you like spiders?", "Tell me about dragons.",
        "What does a plumber do?", "What is a hammer?", "Why is water important?", "How do I plant a tree?",
        "Where do camels live?", "What is paper?", "What color is the sky?",
    ),
    "json": tuple(
        f"Extract JSON: {SENTENCES[i % 4].format(name=name, age=age, city=city)}"
        for i, (name, age, city) in enumerate((
            ("Mia", 36, "Porto"), ("Hugo", 52, "Kyoto"), ("Vera", 23, "Lima"), ("Omar", 41, "Quito"), ("Lena", 67, "Basel"),
            ("Theo", 30, "Naples"), ("Nora", 19, "Riga"), ("Igor", 58, "Cork"), ("Dina", 44, "Turin"), ("Ralf", 71, "Ghent"),
            ("Kira", 28, "Malmo"), ("Alan", 33, "Bergen"), ("Mona", 62, "Leeds"), ("Erik", 25, "Graz"), ("Lucy", 39, "Perth"),
            ("Juan", 47, "Bogota"), ("Nina", 54, "Dakar"), ("Otto", 21, "Bern"), ("Sara", 76, "Nice"), ("Finn", 35, "York"),
        ))
    ),
    "couplet": tuple(
        f"Write a couplet about {it}."
        for it in """a fox/a kettle/a waterfall/a pear/a penguin/a guitar/a sunset/a carrot/a tiger/a candle/a beach/a lemon/
            a squirrel/a window/a rainbow/a pumpkin/a monkey/a train/a tree/a potato""".replace("\n            ", "").split("/")
    ),
    "sales": tuple(
        f"Sell me {it}."
        for it in """a teapot/a ladder/an apple/a carpet/a feather/a mirror/a cactus/a hat/a lamp/a cookie/a kite/a doorbell/
            a basket/a chair/a balloon/a tomato/a guitar/a tent/a bicycle/a clock""".replace("\n            ", "").split("/")
    ),
}  # fmt: skip
"""Twenty prompts a skill. Even ones choose a merge's weights, odd ones score it."""

PLAIN: Mapping[str, str] = {
    "What is the capital of France?": "paris", "What is the capital of England?": "london",
    "What color is the sky?": "blue", "How many days are in a week?": "seven|7", "What is the opposite of hot?": "cold",
    "What is two plus two?": "four|4", "What planet do we live on?": "earth", "What is frozen water called?": "ice",
    "What do you use to write on paper?": "pen", "How many legs does a dog have?": "four|4",
    "What is the largest ocean?": "pacific", "Who was the first US president?": "washington",
    "What language is spoken in Brazil?": "portuguese", "What gas do we breathe?": "oxygen|air",
    "What is the color of blood?": "red", "What animal says meow?": "cat", "What is the opposite of day?": "night",
    "What do plants need to grow?": "water|sun|light", "What is the currency of Japan?": "yen", "What is H2O?": "water",
}  # fmt: skip
"""Twenty plain questions, and a word of the right answer."""


def knows(question: str, answer: str) -> bool:
    """Whether the answer to a plain question has the right word in it."""
    return re.search(rf"\b({PLAIN[question]})", answer.lower()) is not None
