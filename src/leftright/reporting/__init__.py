"""What the report says and how it looks: published numbers, accounts of the data, known truth, and the page itself.

Nothing here measures the model; the stages before did. A section is built once, as blocks (`blocks`), and rendered twice, as
HTML and as Markdown (`page`), so that the two cannot say different things.
"""
