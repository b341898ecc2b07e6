#!/usr/bin/env python3
"""Asks a model that `goml serve` serves, by the Open Inference Protocol; needs nothing but Python 3.

    python3 examples/client.py http://127.0.0.1:8080/v2/models/price rm=6 lstat=5
"""

import json
import sys
import urllib.error
import urllib.request


def infer(url, row, interval=None, token=None):
    """The prediction for one row, {column: value}; with interval="prediction" also its bounds: {output: value}."""
    inputs = [
        {
            "name": name,
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "shape": [1],
            "data": [value],
        }
        for name, value in row.items()
    ]
    body = {"inputs": inputs}
    if interval is not None:
        body["parameters"] = {"interval": interval}
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{url}/infer", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    return {output["name"]: output["data"][0] for output in answer["outputs"]}


def value_of(text):
    """A number where it is one, else a text."""
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    address, *pairs = sys.argv[1:]
    asked = {name: value_of(value) for name, value in (pair.split("=", 1) for pair in pairs)}
    try:
        print(json.dumps(infer(address, asked, interval="prediction")))
    except urllib.error.HTTPError as error:
        # What is wrong is said in the answer.
        sys.exit(json.load(error)["error"])
