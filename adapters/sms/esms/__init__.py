"""eSMS.vn: care messages, delivery reports and messages of people to its short codes, over HTTP."""
