# mypy: ignore-errors
# Runs on the box: hand VALUES (the cloud's bundle and the Wi-Fi networks) to the firmware's own
# provisioning.
import json

from box.link import provisioning

try:
    provisioning.provision(VALUES)  # noqa: F821 (the tool sets it)
    _answer = "ok"
except (ValueError, OSError) as _error:
    _answer = f"{type(_error).__name__}: {_error}"
print("glovebox-answer " + json.dumps(_answer))
