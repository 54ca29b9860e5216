"""The heart: content, audience, approval, plan, dispatch, receipts, roll-call, escalation. Knows no channel by name."""
