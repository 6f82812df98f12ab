"""Classes: a teacher opens a class, students join with its code, see the teacher's screens, and answer questions.

No names are stored. A student has a word such as "green otter". A browser proves its rights with a random key, and the
store has only the hash of the key.
"""
