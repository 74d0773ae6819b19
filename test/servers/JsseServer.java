import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.concurrent.Executors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.TrustManagerFactory;

/**
 * Asks for a client certificate of root.crt, says whom it saw, and answers "hello": java JsseServer.java PORT
 * required|optional VERSION,…, in the folder of the files.
 */
class JsseServer {
  public static void main(String[] args) throws Exception {
    start(Integer.parseInt(args[0]), args[1].equals("required"), args[2].split(","), (exchange, body) -> "hello");
  }

  /** What is answered to a request, given its body. */
  interface Answer {
    String to(HttpsExchange exchange, byte[] body) throws Exception;
  }

  static void start(int port, boolean required, String[] versions, Answer answer) throws Exception {
    CertificateFactory certificates = CertificateFactory.getInstance("X.509");
    char[] none = {};

    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, none);
    own.setKeyEntry("server", readKey(), none, new Certificate[] {read(certificates, "server.crt")});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, none);

    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, none);
    roots.setCertificateEntry("root", read(certificates, "root.crt"));
    PKIXBuilderParameters path = new PKIXBuilderParameters(roots, new X509CertSelector());
    path.setRevocationEnabled(Files.size(Path.of("revoked.crl")) > 0);
    try (InputStream lists = Files.newInputStream(Path.of("revoked.crl"))) {
      path.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(certificates.generateCRLs(lists))));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(new CertPathTrustManagerParameters(path));

    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    HttpsServer server = HttpsServer.create(address, 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters asking = getSSLContext().getDefaultSSLParameters();
            asking.setProtocols(versions);
            if (required) asking.setNeedClientAuth(true);
            else asking.setWantClientAuth(true);
            parameters.setSSLParameters(asking);
          }
        });
    server.createContext(
        "/",
        exchange -> {
          HttpsExchange secure = (HttpsExchange) exchange;
          System.out.printf("seen %s \"%s\" %s%n", secure.getSSLSession().getProtocol(), nameOf(secure), exchange.getProtocol());
          byte[] said;
          int status = 200;
          try {
            said = answer.to(secure, exchange.getRequestBody().readAllBytes()).getBytes("UTF-8");
          } catch (Exception error) {
            status = 500;
            said = error.toString().getBytes("UTF-8");
          }
          exchange.sendResponseHeaders(status, said.length);
          exchange.getResponseBody().write(said);
          exchange.close();
        });
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }

  /** The subject of the client's certificate; empty where there is none. */
  static String nameOf(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerPrincipal().getName();
    } catch (SSLPeerUnverifiedException none) {
      return "";
    }
  }

  private static Certificate read(CertificateFactory certificates, String name) throws Exception {
    try (InputStream file = Files.newInputStream(Path.of(name))) {
      return certificates.generateCertificate(file);
    }
  }

  private static PrivateKey readKey() throws Exception {
    String pem = Files.readString(Path.of("server.key"));
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[^\n]*", ""));
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
  }
}
