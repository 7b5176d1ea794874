"""Use cases about grants and tokens: who a client is, what it gets, what that is worth.

Its folders know each other in one direction: `logout` and `authorization` ask people, `grants` is
what becomes of their answer, `people` is who they are. The modules beside them serve all four.
"""
