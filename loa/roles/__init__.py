"""What each process of an installation does: `web`, `worker`, `listener`, `scheduler`, or all of it (docs/decisions/).

`house` builds the rooms that several roles share, `web`, `worker`, `listener` and `scheduler` say what runs where,
`membership` and `shares` settle which process holds what.
"""
