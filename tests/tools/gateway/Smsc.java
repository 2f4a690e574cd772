// A carrier by jSMPP, for tests: java Smsc.java FOLDER MILLISECONDS PORT... [tls]
// Each message is a line of FOLDER/wire.log before it is answered: port, id, data_coding, esm_class, destination, text
// in hexadecimal, and when (milliseconds since 1970). Receipts come after MILLISECONDS, of each fifth at once (often before the answer), of each seventh
// twice, of each thirteenth never (but a question is answered); none at all while FOLDER/mute-PORT exists. While
// FOLDER/throttle-PORT exists, messages are refused as too many. While FOLDER/slow-PORT exists, each is answered two
// seconds after it is taken; while FOLDER/fails-PORT exists, each is taken, and answered as a system error. FOLDER/reply-PORT has messages of telephones, one a
// line: telephone, our number, data_coding, 1 with a header, text in hexadecimal.

import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Date;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jsmpp.bean.*;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.session.*;
import org.jsmpp.session.connection.socket.*;
import org.jsmpp.util.*;

public class Smsc {
    static final int THROTTLED = 0x58, NO_SUCH_MESSAGE = 0x67, SYSTEM_ERROR = 8, SLOW_MILLISECONDS = 2_000;
    static final ScheduledExecutorService later = Executors.newScheduledThreadPool(8);
    static final Map<Integer, SMPPServerSession> sessions = new ConcurrentHashMap<>();
    static final Set<String> known = ConcurrentHashMap.newKeySet();
    static final AtomicLong next = new AtomicLong(System.currentTimeMillis() * 1000);
    static Path folder;
    static long delay;
    static FileOutputStream wire;

    public static void main(String[] given) throws Exception {
        folder = Path.of(given[0]);
        delay = Long.parseLong(given[1]);
        boolean tls = given[given.length - 1].equals("tls");
        Path log = folder.resolve("wire.log");
        if (Files.exists(log)) {
            for (String line : Files.readAllLines(log)) known.add(line.split(" ")[1]);
        }
        wire = new FileOutputStream(log.toFile(), true);
        for (int i = 2; i < given.length - (tls ? 1 : 0); i++) {
            int port = Integer.parseInt(given[i]);
            SMPPServerSessionListener listener = tls
                ? new SMPPServerSessionListener(port, new SSLServerSocketConnectionFactory())
                : new SMPPServerSessionListener(port);
            Thread accepting = new Thread(() -> accept(listener, port));
            accepting.start();
            later.scheduleWithFixedDelay(() -> replies(port), 50, 50, TimeUnit.MILLISECONDS);
        }
        System.out.println("listening");
    }

    static void accept(SMPPServerSessionListener listener, int port) {
        while (true) {
            try {
                SMPPServerSession session = listener.accept();
                session.setMessageReceiverListener(new Taking(port));
                later.execute(() -> bind(session, port));
            } catch (Exception error) {
                error.printStackTrace();
            }
        }
    }

    static void bind(SMPPServerSession session, int port) {
        try {
            BindRequest asked = session.waitForBind(10_000);
            if (!asked.getPassword().equals("carrier1")) {
                asked.reject(0x0E);
                return;
            }
            asked.accept("smsc", InterfaceVersion.IF_34);
            sessions.put(port, session);
        } catch (Exception error) {
            session.close();
        }
    }

    static synchronized void write(String line) throws Exception {
        wire.write(line.getBytes(StandardCharsets.US_ASCII));
    }

    static void receipt(int port, String id, SubmitSm to) {
        SMPPServerSession session = sessions.get(port);
        if (Files.exists(folder.resolve("mute-" + port))) return;
        try {
            String text = new DeliveryReceipt(id, 1, 1, new Date(), new Date(), DeliveryReceiptState.DELIVRD, "000", "")
                .toString();
            session.deliverShortMessage("", TypeOfNumber.valueOf(to.getDestAddrTon()),
                NumberingPlanIndicator.valueOf(to.getDestAddrNpi()), to.getDestAddress(),
                TypeOfNumber.valueOf(to.getSourceAddrTon()), NumberingPlanIndicator.valueOf(to.getSourceAddrNpi()),
                to.getSourceAddr(),
                new ESMClass(MessageMode.DEFAULT, MessageType.SMSC_DEL_RECEIPT, GSMSpecificFeature.DEFAULT),
                (byte) 0, (byte) 0, new RegisteredDelivery(0), DataCodings.ZERO,
                text.getBytes(StandardCharsets.US_ASCII));
        } catch (Exception error) {  // the gateway is gone: later, and perhaps twice
            later.schedule(() -> receipt(port, id, to), 500, TimeUnit.MILLISECONDS);
        }
    }

    static void replies(int port) {
        Path file = folder.resolve("reply-" + port);
        try {
            if (!Files.exists(file)) return;
            Path taken = folder.resolve("taken-" + port);  // the next may be written while these are delivered
            Files.move(file, taken, StandardCopyOption.REPLACE_EXISTING);
            for (String line : Files.readAllLines(taken)) reply(port, line.split(" "));
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    static void reply(int port, String[] part) throws Exception {
        GSMSpecificFeature header = part[3].equals("1") ? GSMSpecificFeature.UDHI : GSMSpecificFeature.DEFAULT;
        sessions.get(port).deliverShortMessage("", TypeOfNumber.INTERNATIONAL, NumberingPlanIndicator.ISDN, part[0],
            TypeOfNumber.UNKNOWN, NumberingPlanIndicator.UNKNOWN, part[1],
            new ESMClass(MessageMode.DEFAULT, MessageType.DEFAULT, header), (byte) 0, (byte) 0,
            new RegisteredDelivery(0), new RawDataCoding((byte) Integer.parseInt(part[2])),
            HexUtil.convertHexStringToBytes(part[4]));
    }

    record Taking(int port) implements ServerMessageReceiverListener {
        public SubmitSmResult onAcceptSubmitSm(SubmitSm got, SMPPServerSession source) throws ProcessRequestException {
            if (Files.exists(folder.resolve("throttle-" + port))) throw new ProcessRequestException("busy", THROTTLED);
            long number = next.incrementAndGet();
            String id = Long.toHexString(number);
            try {
                write(port + " " + id + " " + got.getDataCoding() + " " + got.getEsmClass() + " "
                    + got.getDestAddress() + " " + HexUtil.convertBytesToHexString(got.getShortMessage(), 0,
                    got.getShortMessage().length) + " " + System.currentTimeMillis() + "\n");
                known.add(id);
                long after = number % 5 == 0 ? 0 : delay;
                int times = number % 13 == 0 ? 0 : number % 7 == 0 ? 2 : 1;
                for (int i = 0; i < times; i++) {
                    later.schedule(() -> receipt(port, id, got), after, TimeUnit.MILLISECONDS);
                }
                if (Files.exists(folder.resolve("slow-" + port))) Thread.sleep(SLOW_MILLISECONDS);
                if (Files.exists(folder.resolve("fails-" + port))) throw new ProcessRequestException("ill", SYSTEM_ERROR);
                return new SubmitSmResult(new MessageId(id), new OptionalParameter[0]);
            } catch (ProcessRequestException error) {
                throw error;
            } catch (Exception error) {
                throw new ProcessRequestException(error.toString(), SYSTEM_ERROR);
            }
        }

        public QuerySmResult onAcceptQuerySm(QuerySm asked, SMPPServerSession source) throws ProcessRequestException {
            if (!known.contains(asked.getMessageId())) throw new ProcessRequestException("unknown", NO_SUCH_MESSAGE);
            return new QuerySmResult("260301031200000+", MessageState.DELIVERED, (byte) 0);
        }

        public SubmitMultiResult onAcceptSubmitMulti(SubmitMulti got, SMPPServerSession s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public DataSmResult onAcceptDataSm(DataSm got, Session s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public void onAcceptCancelSm(CancelSm got, SMPPServerSession s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public void onAcceptReplaceSm(ReplaceSm got, SMPPServerSession s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public BroadcastSmResult onAcceptBroadcastSm(BroadcastSm got, SMPPServerSession s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public void onAcceptCancelBroadcastSm(CancelBroadcastSm got, SMPPServerSession s) throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }

        public QueryBroadcastSmResult onAcceptQueryBroadcastSm(QueryBroadcastSm got, SMPPServerSession s)
            throws ProcessRequestException {
            throw new ProcessRequestException("not here", 3);
        }
    }
}
