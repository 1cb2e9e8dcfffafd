"""Reads events of Sentry, one JSON a line, as Sentry's own relay does: what is wrong with each, and whose data are in it."""

import json
import sys

from sentry_relay.processing import StoreNormalizer, pii_strip_event

# Everything that the relay can recognise of a person.
PII = {"applications": {"**": ["@email", "@ip", "@creditcard", "@iban", "@usssn", "@urlauth", "@password"]}}

normalizer = StoreNormalizer(project_id=1, protocol_version="7")
for line in sys.stdin:
    event = normalizer.normalize_event(json.loads(line))
    stripped = pii_strip_event(PII, event)
    print(json.dumps({"errors": event.get("errors") or [], "meta": event.get("_meta"), "is_clean": stripped == event, "event": event}))
