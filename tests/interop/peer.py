"""The Python peer of the interchange test; see run.sh.

`peer.py write DIR` writes an image and its truth for each case, `peer.py check DIR` reads the
images that the Rust test wrote from the same truths.
"""

import pathlib
import random
import sys

import var_opt
from datasketches import PyLongsSerDe, frequent_items_sketch, frequent_strings_sketch

LG_SLOTS = 5


def cases():
    rng = random.Random(5)
    words = ["ebb", "flow", "é", "naïve", "波", "🌊", "", "a" * 300]
    yield "strings-none", []
    yield "strings-one", [("ébb", 3)]
    yield "strings-some", [(word, rng.randint(1, 9)) for word in words]
    yield "strings-many", [(f"wörd{n}", rng.randint(1, 100)) for n in range(500)]
    yield "longs-none", []
    yield "longs-one", [(-7, 2**40)]
    yield "longs-some", [(n * 2**50 - 2**54, rng.randint(1, 9)) for n in range(20)]
    yield "longs-many", [(n, 1 + 1000 // (n + 1)) for n in range(1000)]
    # One key more than there are counters: all are purged, and the weight remains.
    yield "longs-gone", [(n, 1) for n in range(25)]


def empty(name):
    kind = frequent_strings_sketch if name.startswith("strings") else frequent_items_sketch
    return kind(LG_SLOTS)


def serialized(name, sketch):
    return sketch.serialize() if name.startswith("strings") else sketch.serialize(PyLongsSerDe())


def deserialized(name, image):
    if name.startswith("strings"):
        return frequent_strings_sketch.deserialize(image)
    return frequent_items_sketch.deserialize(image, PyLongsSerDe())


def write(folder):
    for name, stream in cases():
        sketch = empty(name)
        for key, weight in stream:
            sketch.update(key, weight)
        (folder / f"{name}.python").write_bytes(serialized(name, sketch))
        truth = "".join(f"{weight}\t{key}\n" for key, weight in stream)
        (folder / f"{name}.truth").write_text(truth, encoding="utf-8")
    var_opt.write(folder)


def check(folder):
    for name, stream in cases():
        sketch = deserialized(name, (folder / f"{name}.forebay").read_bytes())
        total = sum(weight for _, weight in stream)
        assert sketch.total_weight == total, name
        # This peer takes a sketch without counters for empty, but keeps its weight and error.
        assert sketch.is_empty() == (not stream or name == "longs-gone"), name
        for key, weight in stream:
            lower, upper = sketch.get_lower_bound(key), sketch.get_upper_bound(key)
            assert lower <= weight <= upper, (name, key, lower, weight, upper)
            assert upper - lower <= total // 25, (name, key)
    var_opt.check(folder)
    print("interop: the Python peer reads all our images")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
