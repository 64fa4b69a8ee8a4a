// A client and a server of baidu_std by jprotobuf-rpc-core, for tests/interop/jprotobuf.rs.
//
// client PORT: makes calls, prints what came of each on a line. server: prints its port, serves until it is killed, two minutes at most.

import com.baidu.bjf.remoting.protobuf.FieldType;
import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;
import com.baidu.jprotobuf.pbrpc.*;
import com.baidu.jprotobuf.pbrpc.client.ProtobufRpcProxy;
import com.baidu.jprotobuf.pbrpc.transport.*;
import java.net.ServerSocket;
import java.util.concurrent.*;

public class Judge {
    // One class for both ways: the library generates code by the name of the outermost class.
    public static class Message {
        @Protobuf(fieldType = FieldType.STRING, order = 1) public String message;
        @Protobuf(fieldType = FieldType.INT32, order = 2) public Integer sleepMs;
        @Protobuf(fieldType = FieldType.INT32, order = 3) public Integer failCode;
    }

    static volatile String attached = "";

    public static class Attach implements ClientAttachmentHandler {
        public byte[] handleRequest(String service, String method, Object... params) { return "ATTACH".getBytes(); }
        public void handleResponse(byte[] bytes, String service, String method, Object... params) { attached = new String(bytes); }
    }

    public static class AttachServer implements ServerAttachmentHandler {
        public byte[] handleAttachement(byte[] bytes, String service, String method, Object... params) { return bytes; }
    }

    public static class Number implements LogIDGenerator {
        public long generate(String service, String method, Object... params) { return 42; }
    }

    public interface Plain {
        @ProtobufRPC(serviceName = "EchoService", methodName = "Echo", onceTalkTimeout = 5000, logIDGenerator = Number.class)
        Message echo(Message request);
        @ProtobufRPC(serviceName = "EchoService", methodName = "Typed", onceTalkTimeout = 5000, compressType = CompressType.GZIP)
        Message gzip(Message request);
        @ProtobufRPC(serviceName = "EchoService", methodName = "Limited", onceTalkTimeout = 5000, compressType = CompressType.Snappy)
        Message snappy(Message request);
        @ProtobufRPC(serviceName = "EchoService", methodName = "Attach", onceTalkTimeout = 5000, attachmentHandler = Attach.class)
        Message attach(Message request);
        @ProtobufRPC(serviceName = "EchoService", methodName = "Nope", onceTalkTimeout = 5000)
        Message nope(Message request);
    }

    static Message say(String message) {
        Message request = new Message();
        request.message = message;
        return request;
    }

    static void tell(String name, Callable<Object> call) {
        String line;
        try {
            line = String.valueOf(call.call());
        } catch (Throwable error) {
            Throwable cause = error;
            while (cause.getCause() != null && !(cause instanceof ErrorDataException)) cause = cause.getCause();
            String code = cause instanceof ErrorDataException ? " " + ((ErrorDataException) cause).getErrorCode() : "";
            line = "error" + code + " " + cause.getMessage();
        }
        System.out.println(name + ": " + line);
    }

    static void client(int port) throws Exception {
        RpcClientOptions options = new RpcClientOptions();
        RpcClient client = new RpcClient(options);
        ProtobufRpcProxy<Plain> proxy = new ProtobufRpcProxy<>(client, Plain.class);
        proxy.setHost("127.0.0.1");
        proxy.setPort(port);
        Plain plain = proxy.proxy();
        tell("echo", () -> plain.echo(say("hello")).message);
        tell("gzip", () -> plain.gzip(say("a".repeat(200))).message.length());
        tell("snappy", () -> plain.snappy(say("a".repeat(200))).message.length());
        tell("attach", () -> plain.attach(say("hello")).message + " " + attached);
        tell("error", () -> {
            Message request = say("boom");
            request.failCode = 7777;
            return plain.echo(request).message;
        });
        tell("nope", () -> plain.nope(say("hello")).message);
        tell("many", () -> {
            ExecutorService pool = Executors.newFixedThreadPool(16);
            java.util.List<Future<Boolean>> calls = new java.util.ArrayList<>();
            for (int i = 0; i < 500; i++) {
                String text = "message " + i;
                Message request = say(text);
                request.sleepMs = i % 3;
                calls.add(pool.submit(() -> plain.echo(request).message.equals(text)));
            }
            int right = 0;
            for (Future<Boolean> call : calls) if (call.get()) right++;
            pool.shutdown();
            return right;
        });
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    public static class Service {
        @ProtobufRPCService(serviceName = "EchoService", methodName = "Echo", attachmentHandler = AttachServer.class)
        public Message echo(Message request) throws Exception {
            if (request.sleepMs != null) Thread.sleep(request.sleepMs);
            if (request.failCode != null && request.failCode != 0) throw new RuntimeException("told to fail");
            Message reply = new Message();
            reply.message = request.message;
            return reply;
        }
    }

    static void server() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        RpcServer server = new RpcServer();
        server.registerService(new Service());
        server.startSync(port);
        System.out.println(port);
        System.out.flush();
        Thread.sleep(120_000);
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] args) throws Exception {
        java.util.logging.LogManager.getLogManager().reset();
        if (args[0].equals("client")) client(Integer.parseInt(args[1])); else server();
    }
}
