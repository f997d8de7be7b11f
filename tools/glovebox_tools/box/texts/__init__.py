"""The sentences by subject, key: (English, French). A failure's first line says what is the matter, the rest
what to do.
"""
