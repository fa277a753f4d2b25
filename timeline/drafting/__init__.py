"""From a page or a file to an act of the record: drafts are kept, checked, and appended once.

A draft is nobody's word yet: it is no event, changes no answer and is in no dump. `store` keeps it, `judging` says
what still stands in its way, `drafts` is the use case that the doors call.
"""

from timeline.drafting.asking import ANSWERS
from timeline.drafting.drafts import Drafts, Record
from timeline.drafting.leads import leads
from timeline.drafting.store import Draft, Received

__all__ = ["ANSWERS", "Draft", "Drafts", "Received", "Record", "leads"]
