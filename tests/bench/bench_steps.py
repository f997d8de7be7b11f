"""Figure `longest_step_ms` (modelled): the longest step of a task that nothing named in `firmware/STEPS.md`
excuses, in a session of the story's world. Prints one JSON object.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import tell
from support_steps import EXCUSED, find_longest_ms, play


def main() -> None:
    """Print the figure."""
    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        steps = play(Path(directory))
    for cause in (None, *EXCUSED):
        found = [step for step in steps if step.cause == cause]
        if found:
            longest = max(found, key=lambda step: step.spent_us)
            tell(f"steps: {cause or 'not excused'}: longest {longest.spent_us} us ({longest.task})")
    print(json.dumps({"longest_step_ms": round(find_longest_ms(steps), 1)}))


if __name__ == "__main__":
    main()
