"""Messages to all subscribers: an order to the carriers with an exact text, areas and a window, never a list of ours.

Provinces work so: a form by e-mail and a confirming call to each carrier (Quảng Nam QĐ 2534/QĐ-UBND, 2019)."""
