#!/usr/bin/env python3
"""What examples/flights.yaml must deliver, computed without Millrace and without any SQL engine.

    expected_delays.py SOURCE_FOLDER [MIN_FLIGHTS]           prints the expected rows as CSV
    expected_delays.py SOURCE_FOLDER MIN_FLIGHTS DELIVERED   compares them with a delivery's folder

The same join and grouping as the workflow's SQL, with the standard library's csv module and exact
fractions. Rows are compared without regard to their order.
"""
import collections
import csv
import decimal
import fractions
import json
import pathlib
import sys

COLUMNS = ["carrier", "engine", "flights", "delay", "visibility"]


def read(path, columns):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield [None if row[name] in ("NA", "") else row[name] for name in columns]


def rounded(total, count):
    """Three digits, half away from zero, without a binary fraction on the way."""
    mean = fractions.Fraction(total) / count
    scaled = decimal.Decimal(mean.numerator * 1000) / decimal.Decimal(mean.denominator)
    return float(scaled.quantize(decimal.Decimal(1), decimal.ROUND_HALF_UP) / 1000)


class Mean:
    def __init__(self):
        self.total = fractions.Fraction(0)
        self.count = 0

    def add(self, text):
        if text is not None:
            self.total += fractions.Fraction(text)
            self.count += 1

    def value(self):
        return rounded(self.total, self.count) if self.count else None


def expected(source, min_flights):
    """Rows as tuples of str, str or None, int, float or None, float or None; sorted."""
    planes = collections.defaultdict(list)
    for tailnum, engine in read(source / "planes.csv", ["tailnum", "engine"]):
        planes[tailnum].append(engine)
    weather = collections.defaultdict(list)
    for origin, hour, visib in read(source / "weather.csv", ["origin", "time_hour", "visib"]):
        weather[origin, hour].append(visib)
    groups = collections.defaultdict(lambda: [0, Mean(), Mean()])
    for carrier, tailnum, origin, hour, delay in read(
        source / "flights.csv", ["carrier", "tailnum", "origin", "time_hour", "dep_delay"]
    ):
        if None in (tailnum, origin, hour):
            continue
        for engine in planes.get(tailnum, ()):
            for visib in weather.get((origin, hour), ()):
                group = groups[carrier, engine]
                group[0] += 1
                group[1].add(delay)
                group[2].add(visib)
    rows = [
        (carrier, engine, count, delay.value(), visib.value())
        for (carrier, engine), (count, delay, visib) in groups.items()
        if count >= min_flights
    ]
    return sorted(rows, key=repr)


def delivered(folder):
    """The rows that the folder's manifest.json names, as expected() gives them. Nothing else may lie there."""
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [entry["name"] for entry in manifest["files"]]
    strangers = {path.name for path in folder.iterdir()} - {"manifest.json", ".millrace.lock", *files}
    if strangers:
        raise ValueError(f"{folder} also holds {sorted(strangers)}")
    rows = []
    for name in files:
        with open(folder / name, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != COLUMNS:
                raise ValueError(f"{name}: columns {reader.fieldnames}, not {COLUMNS}")
            for row in reader:
                delay, visib = (float(row[name]) if row[name] else None for name in COLUMNS[3:])
                rows.append((row["carrier"], row["engine"] or None, int(row["flights"]), delay, visib))
    if len(rows) != manifest["rows"]:
        raise ValueError(f"{len(rows)} rows, the manifest says {manifest['rows']}")
    return sorted(rows, key=repr)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    min_flights = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    want = expected(source, min_flights)
    if len(sys.argv) < 4:
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        writer.writerows(want)
        return
    have = delivered(pathlib.Path(sys.argv[3]))
    if have == want:
        print(f"{len(have)} rows, as expected")
        return
    for row in want:
        if row not in have:
            print("missing:", row, file=sys.stderr)
    for row in have:
        if row not in want:
            print("not expected:", row, file=sys.stderr)
    sys.exit(f"{len(have)} rows delivered, {len(want)} expected")


if __name__ == "__main__":
    main()
