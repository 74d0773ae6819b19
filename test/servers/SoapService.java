import com.sun.net.httpserver.HttpsExchange;
import java.io.InputStream;
import java.security.cert.X509Certificate;
import java.util.List;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.dom.WSConstants;
import org.apache.wss4j.dom.engine.WSSecurityEngineResult;
import org.apache.wss4j.dom.handler.WSHandlerResult;

/**
 * A SOAP service that takes calls over mutual TLS whose messages are signed by the same certificate, says who signed
 * them, and answers that name: java SoapService PORT required VERSION,…, in the folder of the files.
 */
class SoapService {
  public static void main(String[] args) throws Exception {
    Merlin crypto = Verify.trusting("root.crt");
    String description;
    try (InputStream file = SoapService.class.getResourceAsStream("service.wsdl")) {
      description = new String(file.readAllBytes(), "UTF-8").replace(":PORT/", ":" + args[0] + "/");
    }
    JsseServer.start(
        Integer.parseInt(args[0]),
        true,
        args[2].split(","),
        (exchange, body) -> {
          exchange.getResponseHeaders().set("Content-Type", "text/xml");
          if (exchange.getRequestMethod().equals("GET")) return description;
          String name = signerOf(exchange, body, crypto);
          return envelope("<WhoResponse xmlns=\"urn:clientcert:test\"><name>" + name + "</name></WhoResponse>");
        });
  }

  private static String signerOf(HttpsExchange exchange, byte[] body, Merlin crypto) throws Fault {
    String name;
    try {
      WSHandlerResult result = Verify.process(body, crypto);
      if (result == null) throw new Fault("not signed");
      List<WSSecurityEngineResult> signatures = result.getActionResults().get(WSConstants.SIGN);
      if (signatures == null) throw new Fault("not signed");
      Object signer = signatures.get(0).get(WSSecurityEngineResult.TAG_X509_CERTIFICATE);
      name = ((X509Certificate) signer).getSubjectX500Principal().getName();
    } catch (Fault fault) {
      throw fault;
    } catch (Exception error) {
      throw new Fault(error.getMessage());
    }
    if (!name.equals(JsseServer.nameOf(exchange))) throw new Fault("signed by " + name);
    System.out.println("signed " + name);
    return name;
  }

  private static String envelope(String body) {
    String namespace = "http://schemas.xmlsoap.org/soap/envelope/";
    return "<soap:Envelope xmlns:soap=\"" + namespace + "\"><soap:Body>" + body + "</soap:Body></soap:Envelope>";
  }

  /** What is answered as it is, with status 500. */
  private static class Fault extends Exception {
    Fault(String reason) {
      super(reason);
      System.out.println("fault " + reason);
    }

    @Override
    public String toString() {
      String reason = getMessage().replaceAll("[<&]", " ");
      return envelope("<soap:Fault><faultcode>soap:Client</faultcode><faultstring>" + reason + "</faultstring></soap:Fault>");
    }
  }
}
