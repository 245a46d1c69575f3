"""`digirm explore`: a local web application to browse, try and check the API, and to take calls away from.

`running` starts it, `app` has its routes, `security` lets nobody else in. The page is made from `explorer/web`; all
that it knows of the API and of the query language, it asks here.
"""
