import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;

/** Demands a client certificate of root.crt, and answers "hello": java TomcatServer.java PORT, in the folder of the files. */
class TomcatServer {
  public static void main(String[] args) throws Exception {
    String folder = Path.of("").toAbsolutePath().toString();

    SSLHostConfig tls = new SSLHostConfig();
    tls.setProtocols("TLSv1.2+TLSv1.3");
    tls.setCertificateVerification("required");
    tls.setTrustStore(readRoots(folder));
    tls.setCertificateRevocationListFile(folder + "/revoked.crl");
    SSLHostConfigCertificate own = new SSLHostConfigCertificate(tls, SSLHostConfigCertificate.Type.EC);
    own.setCertificateFile(folder + "/server.crt");
    own.setCertificateKeyFile(folder + "/server.key");
    tls.addCertificate(own);

    Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");
    connector.setPort(Integer.parseInt(args[0]));
    connector.setProperty("address", "127.0.0.1");
    connector.setProperty("SSLEnabled", "true");
    connector.setScheme("https");
    connector.setSecure(true);
    connector.addSslHostConfig(tls);

    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder);
    tomcat.setConnector(connector);
    Context context = tomcat.addContext("", folder);
    Tomcat.addServlet(context, "hello", new Hello());
    context.addServletMappingDecoded("/", "hello");
    tomcat.start();
    tomcat.getServer().await();
  }

  private static KeyStore readRoots(String folder) throws Exception {
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    try (InputStream file = Files.newInputStream(Path.of(folder, "root.crt"))) {
      roots.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    return roots;
  }

  private static class Hello extends HttpServlet {
    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
      response.setContentType("text/plain");
      response.getWriter().write("hello");
    }
  }
}
