"""Reads a file by the grammar of Kotlin: prints each place that is none of it, and the texts of `scriptContent`."""

import json
import re
import sys

import tree_sitter
import tree_sitter_kotlin

source = open(sys.argv[1], "rb").read()
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_kotlin.language()))
tree = parser.parse(source)
faults, scripts = [], []
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\$": "$", '\\"': '"', "\\'": "'", "\\\\": "\\"}


def text(node):
    return source[node.start_byte : node.end_byte].decode()


def content(node):
    """What a text in quotes holds. A template in it would be put in by Kotlin."""
    out = ""
    if re.search(r"(?<!\\)(?:\\\\)*\$[A-Za-z_{]", text(node)):
        faults.append(f"a template in a text: {text(node)}")
    for child in node.children:
        if child.type == "escape_sequence":
            written = text(child)
            out += ESCAPES[written] if written in ESCAPES else chr(int(written[2:], 16))
        elif child.type == "string_content":
            out += text(child)
        elif child.type != '"':
            faults.append(f"a {child.type} in a text: {text(node)}")
    return out


def visit(node):
    if node.is_error or node.is_missing:
        line, column = node.start_point
        faults.append(f"{line + 1}:{column + 1}: {node.type}: {text(node)[:80]}")
    if node.type == "assignment" and text(node.children[0]) == "scriptContent":
        scripts.append(content(node.children[-1]))
    for child in node.children:
        visit(child)


visit(tree.root_node)
print(json.dumps({"faults": faults, "scripts": scripts}))
