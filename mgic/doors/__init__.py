"""What the API and the pages hold against strangers: whom they answer, how long they wait, how many at once;
and what they say of themselves in their logs.

The one part of the core that knows a web server; nothing else of the core imports it.
"""
