"""A window of a real browser, for tests of the pages."""

WIDTHS = {"phone": (360, 740), "desk": (1280, 800)}
ZOOMED = {"zoomed": (640, 400)}


def context_of(chromium, town, base, name, language, width="desk", scripts=True):
    """A browser's window, logged in as `name`; any error in its console or of its policy fails the test."""
    size = {**WIDTHS, **ZOOMED}[width]
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale={"fr": "fr-FR", "en": "en-GB"}[language],
        java_script_enabled=scripts,
        base_url=base,
    )
    if name:
        token = town.browser(name).cookies["glovebox"]
        context.add_cookies([{"name": "glovebox", "value": token, "url": base}])
    context.complaints = []
    context.on(
        "console",
        lambda message: context.complaints.append(message.text) if message.type == "error" else None,
    )
    return context
