"""The page shell: templates, one script, one stylesheet, fonts, strings, direction, rendered markdown.

Knows nothing about models, requests or rooms; a room hands it values and gets HTML.
"""
