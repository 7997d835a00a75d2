"""The beginning of a rule of one's own: a file with a comment at each field, which is already sound."""

from __future__ import annotations

import json
import re
from datetime import date

from fairaudit.errors import ConfigError
from fairaudit.rules.rule import ID, Rule

_HEAD = """\
# {what}
# docs/rules.md has every field, and how an editor completes and explains them by `fairaudit rules schema`.
# Check the file with `fairaudit rules validate {id}.yaml`, use it with `--rule {id}.yaml`.
"""
_WHOLE = """\
schema: fairaudit/rule/1
id: {id}  # what findings and waivers call it
title: {title}  # its name in verdicts and reports

# One sentence of ethics without a formula, and why the metric below stands for it.
principle: No group should be worse served than the others.
rationale: >-
  Say here why this metric stands for that sentence, for people who were not there when it was chosen.

# Where the rule or its limit comes from; says_number: whether that text itself prints the limit.
source:
  - cite: "Who decided it, where that is written down"
    kind: convention  # law, regulation, guidance, paper, convention
    says_number: true
    as_of: {today}
limit_origin: ours  # whose number the limit is: law, guidance, convention, ours
not_for:
  - "Say where the rule would mislead; the report of a violation prints it."

metric: selection_rate  # fairaudit metrics list; a list as [tpr, fpr] judges each
comparison: ratio  # ratio, difference, gap, min_max_ratio, value, change
reference: best  # best, largest, overall, rest, or one group as {{race: White}}
limit: 0.8  # a magnitude above 0: of a ratio at most 1, of a difference 0.1 is ten points
# serious: 0.5  # so large that it must be excluded before anything short of proof passes

# Everything else has a default; these are the ones that are changed most.
# direction: worse  # or either: both sides of the reference alike
# decide_on: significant  # or interval (more evidence), point (none)
# confidence: 0.95
# multiplicity: {{method: two-look, family: run}}
# minimum: {{rows: 1, events: 30, non_events: 10}}  # what a group must have to be judged alone
# small_groups: pool  # or gate, report
# missing: group  # or count: missing values are no group
# exclude_below: 0.02  # groups with a smaller share of the rows get no verdict; by default none
# slices: all  # or [[sex], [sex, race]], or {{intersections: 2}}
severity: warn  # fail: a violation fails the audit; warn, info
"""
_EXTENDING = """\
schema: fairaudit/rule/1
extends: {named}  # what this file does not say is that rule's: fairaudit rules show {shown}
id: {id}  # what findings and waivers call it
title: {title}  # its name in verdicts and reports
limit_origin: ours  # whose number the limit is: law, guidance, convention, ours
limit: {limit:g}  # as {base} has it

# Any field may be said anew, and then replaces the other's whole. A source of one's own, where somebody decided the limit:
# source:
#   - {{cite: "Who decided it, where that is written down", kind: convention, says_number: true, as_of: {today}}}
# severity: {severity}
"""


def skeleton(id: str, *, today: date, base: Rule | None = None, path: str = "") -> str:
    """The text of a new rule's file.

    Args:
        base: the rule that it extends.
        path: of that rule's file, from the new one's folder, where it is no shipped one.

    Raises:
        ConfigError: the id is none, or the rule itself extends another.
    """
    if not re.fullmatch(ID, id):
        raise ConfigError(f"the id {id!r} must be lower-case words joined by hyphens, such as our-selection.")
    title = id.replace("-", " ").capitalize()
    if base is None:
        return _HEAD.format(what="A rule of our own.", id=id) + _WHOLE.format(id=id, title=title, today=today.isoformat())
    if base.extends is not None:
        raise ConfigError(f"{base.id!r} itself extends {base.extends!r}, and a rule can only extend one that is written out in full; extend {base.extends!r}.")
    if base.id == id:
        raise ConfigError(f"the id {id!r} is that of the rule it would extend; give it an id of its own.")
    names = {"named": json.dumps(path, ensure_ascii=False) if path else base.id, "shown": base.id if not path else "FILE"}
    what = f"A rule that is {base.id} but for what stands here."
    return _HEAD.format(what=what, id=id) + _EXTENDING.format(id=id, title=title, base=base.id, **names, limit=base.limit, severity=base.severity.value, today=today.isoformat())
