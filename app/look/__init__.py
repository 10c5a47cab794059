"""How Gradwalk looks: colours, type, icons, typeset formulas, numbers in words.

theme.py       tokens of resources/themes as colours; the theme in force; one callback list when it changes
style_sheet.py the Qt style sheet made from the tokens
font.py        Inter and JetBrains Mono from resources/fonts, sizes, the CJK font of the system
icon.py        icons of resources/icons in the colours of the theme
formula.py     LaTeX to a picture, cached
colour_map.py  arrays to small pictures: diverging for signed values, viridis for the rest
number.py      numbers, shapes, sizes and times as short text
sentence.py    the sentences of resources/i18n

May import Qt; nothing else of the app.
"""
