"""Every SQL statement and the migrations. One module per aggregate; functions take a `Tx` and never commit."""
