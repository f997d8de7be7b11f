"""Several cards in the field: which of them is answered (pure)."""

from ..protocols.authorisation import AUTHORISATION_ID
from ..protocols.codes import REFUSAL_RANDOM_UID, REFUSAL_UNKNOWN_BADGE
from . import rights

_NOBODY = (REFUSAL_UNKNOWN_BADGE, REFUSAL_RANDOM_UID)  # reasons that say less than any other
_SESSION = None  # the session's right, beside the numbers of authorisations


def choose(new, field, classify, only_unlocks):
    """Return `(badge, class, entry, refusal)` of the card to answer; badge None: all have been answered.

    `new` and `field` are lists of `(badge, is_random)`, `field` those that count beside the new ones;
    `classify(badge)` gives `(class, entry, refusal)`. Exactly one right may be held to the box; two badges of
    one right are one. With `only_unlocks` the session's badge can do nothing but open, and then it does (S8).
    """
    authorised = []  # [right, is new, answer]
    refused = (None, rights.NOT, None, REFUSAL_UNKNOWN_BADGE)
    for card in field:
        badge, is_random = card
        badge_class, entry, refusal = rights.NOT, None, REFUSAL_RANDOM_UID
        if not is_random:
            badge_class, entry, refusal = classify(badge)
        answer = badge, badge_class, entry, refusal
        if badge_class == rights.NOT:
            if card in new and refused[3] in _NOBODY:
                refused = answer
            continue
        right = _SESSION
        if badge_class != rights.SESSION:  # every other right comes with its entry
            right = entry[AUTHORISATION_ID]  # pyright: ignore[reportOptionalSubscript]
        for other in authorised:
            if other[0] == right:
                if card in new:
                    other[1:] = True, answer
                break
        else:
            authorised.append([right, card in new, answer])
    if len(authorised) > 1:
        for right, is_new, answer in authorised:
            if right == _SESSION and is_new and only_unlocks:
                return answer
        return new[0][0], rights.SEVERAL, None, 0
    if authorised:
        _, is_new, answer = authorised.pop()
        return answer if is_new else (None, rights.NOT, None, 0)
    return refused
