"""How good are the models of `fulcrum init` and `fulcrum train` at the operating point, beside what else there is?"""
