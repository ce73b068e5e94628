"""A Runtime API that drives a function's own program, as Lambda does.

Each sandbox is one process of the binary with its own server on 127.0.0.1: it asks for its next event, is handed it with
the headers that Lambda sends, and answers with a response or an error. A process that dies is seen to have died, and the
next event starts a new one.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import dataclasses
import json
import os
import queue
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certifi

VERSION = "/2018-06-01/runtime/"
# No invocation of a run takes long: what does not answer within this hangs.
PATIENCE = 60


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of an invocation: a response, an error that was answered, or a process that died."""

    kind: str
    payload: object = None

    @property
    def ok(self):
        return self.kind == "response"


@dataclasses.dataclass(frozen=True)
class Program:
    """What Lambda knows of a function."""

    name: str
    binary: str
    environment: dict
    memory: int = 512
    timeout: int = 120
    region: str = "us-east-1"
    account: str = "111122223333"
    # Whether it is to look for certificates itself where the file that it is told of is missing.
    finds_certificates: bool = False

    @property
    def arn(self):
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    def lambda_environment(self, api):
        """What Lambda sets beside the function's own variables. Source: the same guide, "Defined runtime environment
        variables"."""
        own = dict(self.environment)
        bundle = own.get("SSL_CERT_FILE")
        if bundle and not os.path.exists(bundle) and not self.finds_certificates:
            # A path of Amazon Linux. Starts are timed, and none should take the way round.
            own["SSL_CERT_FILE"] = certifi.where()
        return {
            "_HANDLER": "bootstrap",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/20/[$LATEST]0",
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_REGION": self.region,
            "LAMBDA_TASK_ROOT": "/var/task",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin/:/bin",
            "TZ": ":UTC",
            **own,
        }


class Process:
    """One process of a program, and the server that it talks to. The server is its alone, so that what one process left
    behind when it was killed can take nothing from the next."""

    def __init__(self, program):
        self.program = program
        self.logs = []
        self.events, self.answers = queue.Queue(), queue.Queue()
        self.answered = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.started = time.monotonic()
        self.popen = subprocess.Popen(
            [program.binary],
            env=program.lambda_environment(f"127.0.0.1:{self._server.server_port}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    @property
    def is_running(self):
        return self.popen.poll() is None

    def close(self):
        """SIGKILL, as of a sandbox that is out of memory or time."""
        self.popen.kill()
        self.popen.wait()
        self._reader.join()
        self._server.shutdown()
        self._server.server_close()

    def _collect(self):
        for line in self.popen.stdout:
            self.logs.append(line.rstrip("\n"))


class Sandbox:
    """One place where a function runs. Its process is started when it is needed."""

    def __init__(self, program):
        self.program = program
        self.process = None
        self._former_logs = []

    @property
    def logs(self):
        return self._former_logs + (self.process.logs if self.process else [])

    def logs_with(self, word, first):
        """The lines from `first` on, as soon as one has the word: a line may arrive after the answer that it precedes."""
        deadline = time.monotonic() + 2
        while True:
            lines = "\n".join(self.logs[first:])
            if word in lines or time.monotonic() > deadline:
                return lines
            time.sleep(0.01)

    def invoke(self, event):
        """Delivers an event, and waits for what becomes of it."""
        if self.process is None or not self.process.is_running:
            self.close()
            self.process = Process(self.program)
        process = self.process
        process.events.put((str(uuid.uuid4()), json.dumps(event).encode()))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return process.answers.get(timeout=0.02)
            except queue.Empty:
                if not process.is_running and process.answers.empty():
                    return Answer("died", process.popen.returncode)
        self.kill()
        return Answer("hung")

    def kill(self):
        """Ends the process, wherever it is."""
        if self.process is not None:
            self.process.popen.kill()
            self.process.popen.wait()

    def close(self):
        if self.process is not None:
            self.process.close()
            self._former_logs += self.process.logs
            self.process = None


def handler(process):
    """What answers the requests of one process."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path != f"{VERSION}invocation/next":
                return self.answer(404)
            while True:
                try:
                    request_id, event = process.events.get(timeout=0.5)
                    break
                except queue.Empty:
                    if not process.is_running:
                        self.close_connection = True
                        return None
            deadline = int((time.time() + process.program.timeout) * 1000)
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": process.program.arn,
                "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
            }
            return self.answer(200, event, headers)

        def do_POST(self):
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                body = self.chunks()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = self.path.rsplit("/", 1)[-1]
            if self.path == f"{VERSION}init/error":
                kind = "init-error"
            elif kind not in ("response", "error") or not self.path.startswith(f"{VERSION}invocation/"):
                return self.answer(404)
            process.answered = time.monotonic()
            self.answer(202, b'{"status":"OK"}')
            process.answers.put(Answer(kind, json.loads(body) if body else None))

        def chunks(self):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def answer(self, status, body=b"", headers=None):
            try:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                # The process was killed meanwhile.
                self.close_connection = True

        def handle(self):
            try:
                super().handle()
            except ConnectionError:
                pass

        def log_message(self, *arguments):
            pass

    return Handler
