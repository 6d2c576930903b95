"""The job without a service: read the inbox, and answer, star, mark as read and forward what is hot.

What somebody would write in an hour: the standard library, a connection kept open for each worker, nothing on disk.
It prints what it used as JSON.
"""

import argparse
import http.client
import json
import re
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

CALL = re.compile(r"\bcall\b", re.IGNORECASE)
local = threading.local()


def request(method, url, body=None, headers=None):
    parts = urlsplit(url)
    connections = local.__dict__.setdefault("connections", {})
    connection = connections.get(parts.netloc)
    if connection is None:
        connection = connections[parts.netloc] = http.client.HTTPConnection(parts.netloc, timeout=30)
    target = parts.path + ("?" + parts.query if parts.query else "")
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    if response.status >= 300:
        raise RuntimeError(f"{method} {url}: {response.status} {content[:200]!r}")
    return content


def new_text(body):
    lines = []
    for line in body.splitlines():
        if line.startswith(">") or (line.startswith("On ") and line.endswith("wrote:")):
            break
        lines.append(line)
    return "\n".join(lines)


def handle(arguments, row):
    base, headers = arguments.base, {"X-API-Key": arguments.key}
    thread = f"{base}/replies/threads/{row['thread_id']}"
    messages = json.loads(request("GET", f"{thread}/messages?limit=100", headers=headers))["messages"]
    if not messages or messages[-1]["is_outgoing"]:
        return
    body = messages[-1]["body_text"] or ""
    if not CALL.search(new_text(body)):
        return
    as_json = {**headers, "Content-Type": "application/json"}
    name = (row["lead_name"] or "there").split()[0]
    reply = {"body": f"Hi {name}, here is my calendar: https://cal.example/sam"}
    request("POST", f"{thread}/reply", json.dumps(reply), as_json)
    request("PATCH", f"{thread}/star", headers=headers)
    request("PATCH", f"{thread}/read", headers=headers)
    notice = {"text": f"{row['lead_name']} ({row['lead_email']}) wants a call:\n{new_text(body)}"}
    request("POST", arguments.slack, json.dumps(notice), {"Content-Type": "application/json"})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("slack")
    parser.add_argument("key")
    parser.add_argument("--workers", type=int, default=8)
    arguments = parser.parse_args()
    with ThreadPoolExecutor(arguments.workers) as pool:
        jobs, page = [], 1
        while True:
            url = f"{arguments.base}/replies?page={page}&limit=100"
            rows = json.loads(request("GET", url, headers={"X-API-Key": arguments.key}))["conversations"]
            jobs += [pool.submit(handle, arguments, row) for row in rows if row["category"] == "interested"]
            if len(rows) < 100:
                break
            page += 1
        for job in jobs:
            job.result()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "peak_kib": used.ru_maxrss}))


main()
