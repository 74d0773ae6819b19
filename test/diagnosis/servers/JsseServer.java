import com.sun.net.httpserver.HttpsConfigurator;
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
import javax.net.ssl.TrustManagerFactory;

/** Demands a client certificate of root.crt, and answers "hello": java JsseServer.java PORT, in the folder of the files. */
class JsseServer {
  public static void main(String[] args) throws Exception {
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
    try (InputStream lists = Files.newInputStream(Path.of("revoked.crl"))) {
      path.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(certificates.generateCRLs(lists))));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(new CertPathTrustManagerParameters(path));

    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
    HttpsServer server = HttpsServer.create(address, 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters demanding = getSSLContext().getDefaultSSLParameters();
            demanding.setNeedClientAuth(true);
            parameters.setSSLParameters(demanding);
          }
        });
    server.createContext(
        "/",
        exchange -> {
          byte[] hello = "hello".getBytes();
          exchange.sendResponseHeaders(200, hello.length);
          exchange.getResponseBody().write(hello);
          exchange.close();
        });
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
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
