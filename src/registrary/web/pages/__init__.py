"""Pages for people: plain HTML that works without scripts.

A page is one template in ``templates/`` and one row in ``catalogue``; what it is given stands in
``protocol.page_values``. Style and scripts are in ``inline/`` and admitted by hash.
"""
