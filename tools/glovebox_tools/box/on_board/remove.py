# mypy: ignore-errors
# Runs on the box: remove the files named in VALUES; one that is not there is no error.
import json
import os

for _path in VALUES:  # noqa: F821 (the tool sets it)
    try:
        os.remove("/" + _path)
    except OSError as _error:
        if _error.errno != 2:  # ENOENT
            raise
print("glovebox-answer " + json.dumps("ok"))
