import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.Scanner;
import javax.security.auth.callback.Callback;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.apache.wss4j.dom.engine.WSSConfig;
import org.apache.wss4j.dom.engine.WSSecurityEngine;
import org.apache.wss4j.dom.engine.WSSecurityEngineResult;
import org.apache.wss4j.dom.handler.RequestData;
import org.apache.wss4j.dom.handler.WSHandlerResult;
import org.w3c.dom.Document;

/** Reads messages from standard input, each base64 on a line, and says of each what WSS4J does. */
public final class Verify {
  public static void main(String[] arguments) throws Exception {
    Merlin crypto = trusting(arguments[0]);
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) System.out.println(verify(lines.nextLine(), crypto));
  }

  static Merlin trusting(String file) throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (FileInputStream root = new FileInputStream(file)) {
      Certificate certificate = CertificateFactory.getInstance("X.509").generateCertificate(root);
      trusted.setCertificateEntry("root", certificate);
    }
    Merlin crypto = new Merlin();
    crypto.setTrustStore(trusted);
    return crypto;
  }

  private static String verify(String line, Merlin crypto) {
    try {
      WSHandlerResult result = process(Base64.getDecoder().decode(line), crypto);
      StringBuilder actions = new StringBuilder("accepted");
      for (WSSecurityEngineResult each : result.getResults())
        actions.append(' ').append(each.get(WSSecurityEngineResult.TAG_ACTION));
      return actions.toString();
    } catch (Exception | LinkageError error) {
      return "refused " + error.toString().replace('\n', ' ');
    }
  }

  /** What its security header holds, all of it verified; null where it has none. */
  static WSHandlerResult process(byte[] message, Merlin crypto) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    Document document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(message));
    RequestData request = new RequestData();
    request.setWssConfig(WSSConfig.getNewInstance());
    request.setSigVerCrypto(crypto);
    request.setCallbackHandler(callbacks -> {
      for (Callback callback : callbacks)
        if (callback instanceof WSPasswordCallback)
          ((WSPasswordCallback) callback).setPassword("mine");
    });
    return new WSSecurityEngine().processSecurityHeader(document, request);
  }
}
