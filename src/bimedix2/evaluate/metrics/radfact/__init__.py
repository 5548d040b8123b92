"""RadFact: what a language model makes of two reports, statement by statement.

``scores`` has the formulas, ``judge`` the questions, ``canary`` the known answers, ``scorer`` a recipe's
settings. It reads English and Arabic and needs no weights. It asks a judge, so the class of the reports
decides where they may go.
"""
