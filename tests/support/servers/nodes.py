"""Plays the node of a control plane for tests: no container runs. Usage: nodes.py DIRECTORY (with kubeconfig and pki)

Pods on the node become ready; jobs complete; pods with an image whose name holds `fail` wait for it for ever; pods that are
deleted go.
"""

import datetime
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request

DIRECTORY = sys.argv[1]
NODE = "node-0"
MERGE = "application/strategic-merge-patch+json"
RESOURCES = {"cpu": "64", "memory": "64Gi", "pods": "250"}
PARENT = os.getppid()

with open(f"{DIRECTORY}/kubeconfig") as config:
    SERVER = re.search(r'server: "(.*?)"', config.read()).group(1)
CONTEXT = ssl.create_default_context(cafile=f"{DIRECTORY}/pki/ca.crt")
CONTEXT.load_cert_chain(f"{DIRECTORY}/pki/admin.crt", f"{DIRECTORY}/pki/admin.key")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=CONTEXT))


def call(method, path, body=None, kind="application/json"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, method=method, data=data, headers={"Content-Type": kind})
    try:
        with OPENER.open(request, timeout=10) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError) as error:
        print(method, path, error, flush=True)
        return {}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def beat():
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
    if not call("GET", f"/api/v1/nodes/{NODE}"):
        node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": NODE, "labels": labels}}
        call("POST", "/api/v1/nodes", node)
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    ready |= {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
    status = {"capacity": RESOURCES, "allocatable": RESOURCES, "conditions": [ready]}
    call("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status}, MERGE)


def play(pod, address):
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    if meta.get("deletionTimestamp"):
        call("DELETE", path + "?gracePeriodSeconds=0")
        return
    if status.get("containerStatuses"):
        return
    fails = any("fail" in container["image"] for container in spec["containers"])
    is_job = spec.get("restartPolicy") in ("Never", "OnFailure")
    if fails:
        phase, state = "Pending", {"waiting": {"reason": "ImagePullBackOff"}}
    elif is_job:
        phase, state = "Succeeded", {"terminated": {"exitCode": 0, "reason": "Completed"}}
    else:
        phase, state = "Running", {"running": {"startedAt": now()}}
    is_ready = phase == "Running"
    conditions = [
        {"type": kind, "status": str(is_ready), "lastTransitionTime": now()}
        for kind in ("Initialized", "Ready", "ContainersReady")
    ]
    containers = [
        {"name": it["name"], "image": it["image"], "imageID": it["image"], "restartCount": 0}
        | {"ready": is_ready, "started": is_ready, "state": state}
        for it in spec["containers"]
    ]
    status = {"phase": phase, "podIP": address, "hostIP": "127.0.0.1", "startTime": now()}
    status |= {"conditions": conditions, "containerStatuses": containers}
    call("PATCH", path + "/status", {"status": status}, MERGE)


last_beat, count = 0.0, 0
# Whoever started this may have been killed.
while os.getppid() == PARENT:
    if time.monotonic() - last_beat > 8 or not last_beat:
        last_beat = time.monotonic()
        beat()
    for pod in call("GET", f"/api/v1/pods?fieldSelector=spec.nodeName={NODE}").get("items", []):
        count += 1
        play(pod, f"10.244.{count // 250 % 250}.{count % 250 + 1}")
    time.sleep(0.1)
