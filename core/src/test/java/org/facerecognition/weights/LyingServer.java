package org.facerecognition.weights;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A local HTTP server that sends a prescribed answer, right or wrong, to each request and closes the connection. */
final class LyingServer implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<byte[]> answers = new ArrayList<>();
    private final List<String> ranges = new CopyOnWriteArrayList<>(); // requested, one per request

    LyingServer() throws IOException {
        Thread thread = new Thread(this::serve, "lying-server");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Adds an answer: a status line and header lines, then some bytes. The last answer is repeated for all further
     * requests.
     *
     * @param length the Content-Length that the answer claims
     * @param from the first byte of the body to send
     * @param to the byte after the last one to send
     */
    LyingServer answering(String status, long length, byte[] body, int from, int to) {
        String head = "HTTP/1.1 " + status + "\r\nContent-Length: " + length + "\r\nConnection: close\r\n\r\n";
        byte[] start = head.getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[start.length + to - from];
        System.arraycopy(start, 0, all, 0, start.length);
        System.arraycopy(body, from, all, start.length, to - from);
        synchronized (answers) {
            answers.add(all);
        }
        return this;
    }

    URI address(String name) {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort() + "/" + name);
    }

    /** Returns the Range header of each request so far, "" where there was none. */
    List<String> ranges() {
        return ranges;
    }

    private void serve() {
        while (!socket.isClosed()) {
            try (Socket client = socket.accept();
                    OutputStream out = client.getOutputStream()) {
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
                String range = "";
                for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                    if (line.startsWith("Range: ")) {
                        range = line.substring("Range: ".length());
                    }
                }
                byte[] answer;
                synchronized (answers) {
                    answer = answers.get(Math.min(ranges.size(), answers.size() - 1));
                }
                ranges.add(range);
                out.write(answer);
            } catch (IOException e) {
                // the client closed the connection, or the test is over
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
