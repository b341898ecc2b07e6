"""Asks a server of the Open Inference Protocol through geventhttpclient, the HTTP client beneath Triton's own.

Reads {"port", "names", "rows"} from standard input, asks in JSON and in the binary tensor extension, with no
Content-Type as Triton's client does, and writes what came back as JSON.
"""

import json
import struct
import sys

from geventhttpclient import HTTPClient

task = json.load(sys.stdin)
client = HTTPClient("127.0.0.1", task["port"], connection_timeout=10, network_timeout=10)
base = "v2/models/boston"
rows, names = task["rows"], task["names"]
n, p = len(rows), len(names)
result = {}

for path in ["v2/health/live", "v2/health/ready", "v2", base, base + "/ready", "v2/models/none"]:
    answer = client.get(path)
    result[path] = [answer.status_code, json.loads(answer.read())]

document = {
    "id": "py",
    "inputs": [{"name": "input", "shape": [n, p], "datatype": "FP64", "data": rows}],
    "outputs": [{"name": "prediction", "parameters": {"binary_data": False}}],
}
answer = client.post(base + "/infer", body=json.dumps(document), headers={})
result["json"] = [answer.status_code, json.loads(answer.read())]

columns = [struct.pack("<%dd" % n, *(row[j] for row in rows)) for j in range(p)]
header = json.dumps(
    {
        "inputs": [
            {"name": name, "shape": [n, 1], "datatype": "FP64", "parameters": {"binary_data_size": len(column)}}
            for name, column in zip(names, columns)
        ],
        "parameters": {"binary_data_output": True},
    }
).encode()
answer = client.post(
    base + "/infer",
    body=b"".join([header, *columns]),
    headers={"Inference-Header-Content-Length": len(header)},
)
body = answer.read()
length = int(answer.get("Inference-Header-Content-Length"))
head = json.loads(body[:length])
result["binary"] = [answer.status_code, head, list(struct.unpack("<%dd" % n, body[length:]))]
client.close()
json.dump(result, sys.stdout)
