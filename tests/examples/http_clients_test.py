"""The HTTP server with clients of other projects."""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import node_clients
from running import Running

MAX_BODY = 1 << 20


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Running("http-server"))
        cls.url = f"http://127.0.0.1:{cls.server.port}"


class Requests(Clients):
    def test_a_client_of_the_standard_library(self):
        client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        self.addCleanup(client.close)
        for body in (b"once", iter([b"in ", b"", b"chunks"])):
            client.request("POST", "/echo", body, {"Connection": "keep-alive"})
            used = client.sock
            self.assertIn(client.getresponse().read(), (b"once", b"in chunks"))
            self.assertIs(client.sock, used)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl(self):
        def curl(*arguments, **options):
            command = ["curl", "-sS", "-m", "30", *arguments]
            return subprocess.run(command, capture_output=True, check=True, **options).stdout

        self.assertEqual(curl(self.url + "/", self.url + "/"), b"Hello, World!\r\n" * 2)
        connects = curl("-w", "%{num_connects}", "-o", os.devnull, "-o", os.devnull, self.url + "/", self.url + "/")
        self.assertEqual(connects, b"10")  # one for the first, none for the second
        self.assertIn(b"Content-Length: 15\r\n", curl("-I", self.url + "/"))
        body = os.urandom(MAX_BODY)  # large enough for curl to wait for 100 Continue
        for fields in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue"), ("-0",)):
            self.assertTrue(curl("--data-binary", "@-", *fields, self.url + "/echo", input=body) == body, fields)
        code = curl("--data-binary", "@-", "-o", os.devnull, "-w", "%{http_code}", self.url + "/echo", input=body + b"x")
        self.assertEqual(code, b"413")


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class Files(unittest.TestCase):
    def test_curl(self):
        with tempfile.TemporaryDirectory() as folder:
            page, large = b"<p>hello</p>" * 500, os.urandom(1 << 20)
            pathlib.Path(folder, "index.html").write_bytes(page)
            pathlib.Path(folder, "large.bin").write_bytes(large)
            with Running("http-server", "--root", folder) as server:
                url = f"http://127.0.0.1:{server.port}"

                def curl(*arguments):
                    command = ["curl", "-sS", "-m", "30", "--path-as-is", *arguments]
                    return subprocess.run(command, capture_output=True, check=True).stdout

                self.assertEqual(curl(url + "/"), page)
                self.assertEqual(curl("--compressed", url + "/"), page)
                self.assertIn(b"Content-Encoding: gzip\r\n", curl("--compressed", "-I", url + "/"))
                self.assertTrue(curl(url + "/large.bin") == large)
                self.assertTrue(curl("-r", "100000-", url + "/large.bin") == large[100000:])
                self.assertEqual(curl("-r", "-5", url + "/large.bin"), large[-5:])
                etag = re.search(r"ETag: (.*?)\r", curl("-I", url + "/large.bin").decode()).group(1)
                code = ("-o", os.devnull, "-w", "%{http_code}")
                self.assertEqual(curl(*code, "-H", f"If-None-Match: {etag}", url + "/large.bin"), b"304")
                self.assertEqual(curl(*code, url + "/../http_test.py"), b"404")
                self.assertEqual(curl(url + "/plaintext", url + "/json"), b'Hello, World!\r\n{"message":"Hello, World!"}')


class Load(Clients):
    """Programs that measure servers: none of them reports an error."""

    def measured(self, *command):
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_wrk(self):
        said = self.measured("wrk", "-t", 2, "-c", 50, "-d", 1, self.url + "/plaintext")
        self.assertRegex(said, r"\b[1-9]\d* requests in")
        self.assertNotRegex(said, "Socket errors|Non-2xx")

    @unittest.skipUnless(shutil.which("ab"), "apache2-utils is not installed")
    def test_ab(self):
        with tempfile.NamedTemporaryFile() as body:
            body.write(os.urandom(5000))
            body.flush()
            for arguments in ((), ("-k",), ("-k", "-i"), ("-k", "-p", body.name)):
                path = "/echo" if "-p" in arguments else "/json"
                said = self.measured("ab", "-q", "-n", 1000, "-c", 20, *arguments, self.url + path)
                self.assertRegex(said, r"Complete requests: +1000\n", arguments)
                self.assertRegex(said, r"Failed requests: +0\n", arguments)
                self.assertNotIn("Non-2xx", said, arguments)
                if "-k" in arguments:
                    self.assertRegex(said, r"Keep-Alive requests: +1000\n", arguments)

    @unittest.skipUnless(node_clients.installed(), "needs npm, which installs autocannon")
    def test_autocannon(self):
        program = "node_modules/autocannon/autocannon.js"
        for arguments in (("-p", 10, self.url + "/plaintext"), ("-m", "POST", "-b", "hello", self.url + "/echo")):
            done = node_clients.run(program, "-j", "-c", 10, "-d", 1, *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            self.assertGreater(said["2xx"], 0)
            self.assertEqual([said[each] for each in ("errors", "timeouts", "mismatches", "non2xx", "resets")], [0] * 5)


if __name__ == "__main__":
    unittest.main()
