"""Whether sampled words form plans and reflections. Word ids throughout."""


class Grammar:
    """`move change put erase stop ok fix end plan reflect` by name, all `cells`, and `things` as pairs of words."""

    def __init__(self, ids):
        self.ids = ids
        self.lengths = {ids["move"]: 6, ids["change"]: 5, ids["put"]: 5, ids["erase"]: 5}
        self.cells = set(ids["cells"])
        self.things = {tuple(pair) for pair in ids["things"]}

    def words(self, tokens):
        """Each row's words before the end token; None for a row without one."""
        end = self.ids["end"]
        return [row[: row.index(end)] if end in row else None for row in tokens.tolist()]

    def is_plan(self, words):
        return bool(words) and self._operations(words) is not None

    def asks_for_fix(self, words):
        if not words or words[0] != self.ids["fix"]:
            return False
        operations = self._operations(words[1:]) or []
        return 0 < len(operations) <= 2 and {self.ids["put"], self.ids["erase"]}.issuperset(operations)

    def _operations(self, words):
        kinds, at = [], 0
        while at < len(words):
            length = self.lengths.get(words[at], 0)
            operation = words[at : at + length]
            if length == 0 or len(operation) < length or operation[-1] != self.ids["stop"]:
                return None
            if tuple(operation[1:3]) not in self.things or not self.cells.issuperset(operation[3:-1]):
                return None
            kinds.append(operation[0])
            at += length
        return kinds
