"""The console of the story, as a manager reads it."""

import html

from glovebox.words.faults import FAULTS


class Console:
    """The vehicle's page as a manager sees it, in both languages."""

    def __init__(self, story):
        self._story = story
        story.let_in_manager(story.bob)
        self._windows = {language: story.let_in_manager(story.bob, language) for language in ("en", "fr")}

    def read(self, language="en"):
        answer = self._windows[language].get(f"/console/vehicles/{self._story.vehicle}")
        assert answer.is_success
        return html.unescape(answer.text)

    def shows(self, fault):
        """Whether the fault is told as one of now, in words with what to do; in French as in English. The
        journal below goes on telling that it was so, without what to do."""
        english, french, to_do, a_faire = FAULTS[fault]
        page = self.read()
        if to_do not in page:
            return False
        page_fr = self.read("fr")
        assert english in page
        assert french in page_fr
        assert a_faire in page_fr
        return True

    def tells_in_journal(self, fault):
        """Whether the journal tells of the fault."""
        return FAULTS[fault][0] in self.read()
