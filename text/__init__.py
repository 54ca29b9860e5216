"""Pure functions on Vietnamese text, SMS alphabets, phone numbers and times. No I/O except small tables at import."""
