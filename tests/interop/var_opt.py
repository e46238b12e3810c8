"""VarOpt samples and unions of the Python peer; see peer.py."""

import random
import struct

from datasketches import PyLongsSerDe, PyObjectSerDe, var_opt_sketch, var_opt_union

CAPACITY = 16


class Utf8SerDe(PyObjectSerDe):
    """Strings as all other peers write them: PyStringsSerDe writes Latin-1."""

    def get_size(self, item):
        return 4 + len(item.encode())

    def to_bytes(self, item):
        text = item.encode()
        return struct.pack("<I", len(text)) + text

    def from_bytes(self, data, offset):
        (length,) = struct.unpack_from("<I", data, offset)
        text = data[offset + 4 : offset + 4 + length]
        return text.decode(), 4 + length


def streams():
    rng = random.Random(6)
    yield "none", []
    yield "one", [2.5]
    yield "warm", [rng.uniform(0.1, 9) for _ in range(CAPACITY)]
    yield "full", [1.0] * (CAPACITY + 1)
    yield "light", [rng.uniform(0.5, 1.5) * 1e-3 for _ in range(1000)]
    yield "heavy", [1e9 if n % 100 == 7 else 1.0 for n in range(800)]
    yield "random", [rng.paretovariate(0.7) for _ in range(500)]


def cases():
    for kind, weights in streams():
        yield f"var-opt-longs-{kind}", PyLongsSerDe(), list(enumerate(weights, -3))
        words = [(f"é{n}🌊", weight) for n, weight in enumerate(weights)]
        yield f"var-opt-strings-{kind}", Utf8SerDe(), words


def sampled(stream, capacity=CAPACITY):
    sketch = var_opt_sketch(capacity)
    for item, weight in stream:
        sketch.update(item, weight)
    return sketch


def union_of(*sketches):
    union = var_opt_union(CAPACITY)
    for sketch in sketches:
        union.update(sketch)
    return union


def say(path, sketch):
    rows = "".join(f"{weight!r}\t{item}\n" for item, weight in sketch)
    path.write_text(f"{sketch.k}\n{sketch.n}\n{rows}", encoding="utf-8")


def write(folder):
    for name, serde, stream in cases():
        truth = "".join(f"{weight!r}\t{item}\n" for item, weight in stream)
        (folder / f"{name}.truth").write_text(truth, encoding="utf-8")
        sketch = sampled(stream)
        say(folder / f"{name}.said", sketch)
        (folder / f"{name}.sketch.python").write_bytes(sketch.serialize(serde))
        (folder / f"{name}.union.python").write_bytes(union_of(sketch).serialize(serde))
        third = len(stream) // 3
        small, large = sampled(stream[:third], 5), sampled(stream[third:], 9)
        several = union_of(small, large)
        say(folder / f"{name}.several.said", several.get_result())
        (folder / f"{name}.several.python").write_bytes(several.serialize(serde))


def close(left, right):
    return abs(left - right) <= 1e-9 * max(abs(left), abs(right))


def check_weights(name, sketch, weights):
    ours = sorted(weights)
    theirs = sorted(weight for _, weight in sketch)
    assert len(ours) == len(theirs), name
    assert all(close(a, b) for a, b in zip(ours, theirs)), (name, ours, theirs)


def check(folder):
    for name, serde, stream in cases():
        lines = (folder / f"{name}.weights").read_text().splitlines()
        weights = [float(line) for line in lines]
        items = {item for item, _ in stream}
        sketch = var_opt_sketch.deserialize((folder / f"{name}.sketch.forebay").read_bytes(), serde)
        union = var_opt_union.deserialize((folder / f"{name}.union.forebay").read_bytes(), serde)
        for found in sketch, union.get_result():
            assert found.n == len(stream), name
            check_weights(name, found, weights)
            assert all(item in items for item, _ in found), name
        # What was read goes on: the sketch into a union, the union with more samples.
        total = sum(weight for _, weight in stream)
        for go_on in union_of(sketch), union:
            go_on.update(sampled(stream))
            result = go_on.get_result()
            assert close(sum(weight for _, weight in result), 2 * total), name
            assert result.n == 2 * len(stream), name
