"""SpeedSMS.vn: messages to up to a hundred numbers a request, delivery reports and messages of people."""
