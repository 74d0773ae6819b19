import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Principal;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.authenticator.SSLAuthenticator;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.realm.GenericPrincipal;
import org.apache.catalina.realm.RealmBase;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.descriptor.web.LoginConfig;
import org.apache.tomcat.util.descriptor.web.SecurityCollection;
import org.apache.tomcat.util.descriptor.web.SecurityConstraint;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;

/**
 * Asks for a client certificate of root.crt, says whom it saw, and answers "hello": java TomcatServer.java PORT
 * required|optional|none VERSION,…, in the folder of the files. With none it asks below /private.
 */
class TomcatServer {
  public static void main(String[] args) throws Exception {
    String folder = Path.of("").toAbsolutePath().toString();

    SSLHostConfig tls = new SSLHostConfig();
    tls.setProtocols(args[2].replace(',', '+'));
    tls.setCertificateVerification(args[1]);
    tls.setTrustStore(readRoots(folder));
    if (Files.size(Path.of("revoked.crl")) > 0) tls.setCertificateRevocationListFile(folder + "/revoked.crl");
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
    connector.addUpgradeProtocol(new Http2Protocol());

    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder);
    tomcat.setConnector(connector);
    Context context = tomcat.addContext("", folder);
    Tomcat.addServlet(context, "hello", new Hello());
    context.addServletMappingDecoded("/", "hello");
    if (args[1].equals("none")) askBelow("/private/*", context);
    tomcat.start();
    tomcat.getServer().await();
  }

  /** As web.xml does with CLIENT-CERT. */
  private static void askBelow(String pattern, Context context) {
    SecurityCollection paths = new SecurityCollection();
    paths.addPattern(pattern);
    SecurityConstraint constraint = new SecurityConstraint();
    constraint.addCollection(paths);
    constraint.addAuthRole("**"); // whoever has shown who it is
    context.addConstraint(constraint);
    context.setLoginConfig(new LoginConfig("CLIENT-CERT", null, null, null));
    context.getPipeline().addValve(new SSLAuthenticator());
    context.setRealm(new Everybody());
  }

  /** Whose certificate is valid may come in. */
  private static class Everybody extends RealmBase {
    @Override
    protected Principal getPrincipal(String name) {
      return new GenericPrincipal(name, List.of());
    }

    @Override
    protected String getPassword(String name) {
      return null;
    }
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
      X509Certificate[] chain = (X509Certificate[]) request.getAttribute("jakarta.servlet.request.X509Certificate");
      Object version = request.getAttribute("org.apache.tomcat.util.net.secure_protocol_version");
      String name = chain == null ? "" : chain[0].getSubjectX500Principal().getName();
      System.out.printf("seen %s \"%s\" %s%n", version, name, request.getProtocol());
      response.setContentType("text/plain");
      response.getWriter().write("hello");
    }
  }
}
