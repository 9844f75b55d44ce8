"""A server that restarts under load: every connection is served, by the old process or the new one."""

import os
import re
import signal
import threading
import time
import unittest

from running import Running


class HotRestart(unittest.TestCase):
    def test_nobody_is_refused(self):
        with Running("hot-restart", url="tcp://127.0.0.1:0") as server:
            processes = [server.process.pid]
            stop = threading.Event()
            answers, errors = [], []

            def load():
                while not stop.is_set():
                    try:
                        with server.connect() as client:
                            client.sendall(b"who?\n")
                            answers.append(int(client.recv(100).split()[1]))
                    except OSError as error:
                        errors.append(error)
                    except IndexError:
                        errors.append("closed without an answer")

            threads = [threading.Thread(target=load) for _ in range(2)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(3):
                    os.kill(processes[-1], signal.SIGHUP)
                    said = server.process.stdout.readline()
                    processes.append(int(re.match(r"process (\d+) on", said).group(1)))
                    self.wait_for(lambda: processes[-1] in answers)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
                os.kill(processes[-1], signal.SIGTERM)
            self.assertEqual(errors, [])
            self.assertEqual(len(set(processes)), 4)

    def wait_for(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)


if __name__ == "__main__":
    unittest.main()
