"""Classes: a teacher opens one, students join by its code, see the screens that are sent to them, and answer questions.

Nothing personal is stored. A student is a word, and whoever has a right proves it by a secret of the browser, of which
the store keeps the hash.
"""
