import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import nl.altindag.ssl.SSLFactory;
import nl.altindag.ssl.pem.util.PemUtils;

/** java.net.http.HttpClient with an SSLFactory of sslcontext-kickstart, as its documentation tells. */
public final class Neighbour {
    /** This client has no option for such a file. */
    private static final class NoWay extends Exception {
        NoWay(String reason) {
            super(reason);
        }
    }

    private static final Map<String, HttpClient> clients = new HashMap<>();

    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, Object> answer;
            try {
                answer = perform(json.readTree(line));
            } catch (NoWay reason) {
                answer = Map.of("noWay", reason.getMessage());
            } catch (Exception error) {
                StringWriter trace = new StringWriter();
                error.printStackTrace(new PrintWriter(trace));
                answer = Map.of("told", told(error), "logged", trace.toString());
            }
            System.out.println(json.writeValueAsString(answer));
        }
        System.exit(0);
    }

    private static Map<String, Object> perform(JsonNode op) throws Exception {
        String id = op.get("id").asText();
        switch (op.get("op").asText()) {
            case "client":
                clients.put(id, create(op));
                return Map.of();
            case "get":
                return Map.of("status", get(clients.get(id), op.get("url").asText()));
            default:
                return measure(clients.get(id), op);
        }
    }

    private static HttpClient create(JsonNode op) throws Exception {
        JsonNode certificate = op.get("certificate");
        SSLFactory.Builder factory = SSLFactory.builder();
        if (op.hasNonNull("ca")) {
            factory.withTrustMaterial(PemUtils.loadTrustMaterial(Path.of(op.get("ca").asText())));
        } else {
            factory.withDefaultTrustMaterial();
        }
        JsonNode store = certificate.has("pfx") ? certificate.get("pfx") : certificate.get("jks");
        JsonNode file = certificate.has("cert") ? certificate.get("cert") : certificate.get("p7b");
        char[] passphrase = certificate.has("passphrase") ? certificate.get("passphrase").asText().toCharArray() : null;
        if (store != null) {
            factory.withIdentityMaterial(Path.of(store.asText()), passphrase);
        } else if (file != null) {
            Path chain = Path.of(file.asText());
            Path key = Path.of(certificate.get("key").asText());
            factory.withIdentityMaterial(PemUtils.loadIdentityMaterial(chain, key, passphrase));
        }
        SSLFactory built = factory.build();
        HttpClient.Builder builder = HttpClient.newBuilder()
            .sslContext(built.getSslContext())
            .sslParameters(built.getSslParameters())
            .followRedirects(HttpClient.Redirect.NORMAL);
        if (op.hasNonNull("proxy")) {
            URI proxy = URI.create(op.get("proxy").asText());
            if (proxy.getScheme().equals("https")) throw new NoWay("ProxySelector.of(address): no TLS to a proxy");
            builder.proxy(ProxySelector.of(new InetSocketAddress(proxy.getHost(), proxy.getPort())));
        }
        return builder.build();
    }

    private static int get(HttpClient client, String url) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(20)).build();
        return client.send(request, BodyHandlers.ofByteArray()).statusCode();
    }

    private static Map<String, Object> measure(HttpClient client, JsonNode op) throws Exception {
        String url = op.get("url").asText();
        int concurrency = op.get("concurrency").asInt();
        long began = cpu();
        long start = System.nanoTime();
        long end = start + (long) (op.get("seconds").asDouble() * 1e9);
        AtomicLong requests = new AtomicLong();
        var pool = Executors.newFixedThreadPool(concurrency);
        var tasks = new ArrayList<Future<Void>>();
        for (int index = 0; index < concurrency; index++) {
            Callable<Void> task = () -> {
                while (System.nanoTime() < end) {
                    int status = get(client, url);
                    if (status != 200) throw new IllegalStateException("status " + status);
                    requests.incrementAndGet();
                }
                return null;
            };
            tasks.add(pool.submit(task));
        }
        try {
            for (Future<Void> task : tasks) task.get();
        } catch (ExecutionException error) {
            throw (Exception) error.getCause();
        } finally {
            pool.shutdown();
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("requests", requests.get());
        answer.put("seconds", (System.nanoTime() - start) / 1e9);
        answer.put("cpu", (cpu() - began) / 1e9);
        return answer;
    }

    private static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** The messages of the error and of its causes, as a stack trace prints them. */
    private static String told(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        Throwable cause = error.getCause();
        for (int depth = 0; cause != null && depth < 3; depth++, cause = cause.getCause()) {
            if (text.indexOf(String.valueOf(cause.getMessage())) < 0) text.append(": caused by ").append(cause);
        }
        return text.toString();
    }
}
