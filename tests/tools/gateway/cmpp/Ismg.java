// A carrier by sms-core, for tests: java Ismg.java FOLDER MILLISECONDS VERSION PORT... ; VERSION is 20 or 30.
// The files in FOLDER are those of Smsc.java: wire.log, mute-PORT, throttle-PORT, reply-PORT. Reports come after
// MILLISECONDS, of each fifth message at once, of each seventh twice, of each thirteenth five seconds late: CMPP has no
// question about a message. A report is sent until it is answered, also by a process after this one. sms-core checks the login and reads and
// writes each unit; this class only stands between its codec and its own handling of long messages.

import com.chinamobile.cmos.sms.SmsDcs;
import com.zx.sms.codec.cmpp.msg.*;
import com.zx.sms.common.GlobalConstance;
import com.zx.sms.common.util.DefaultMsgIdUtil;
import com.zx.sms.common.util.MsgId;
import com.zx.sms.connect.manager.EndpointEntity;
import com.zx.sms.connect.manager.EndpointManager;
import com.zx.sms.connect.manager.cmpp.*;
import io.netty.channel.*;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

public class Ismg {
    static final int TOO_MUCH = 8;
    static final ScheduledExecutorService later = Executors.newScheduledThreadPool(8);
    static final Map<Integer, ChannelHandlerContext> sessions = new ConcurrentHashMap<>();
    static final Map<Integer, CompletableFuture<Long>> unanswered = new ConcurrentHashMap<>();
    static final AtomicLong next = new AtomicLong(System.currentTimeMillis() * 1000);
    static final AtomicInteger taken = new AtomicInteger();
    static Path folder;
    static long delay;
    static short version;
    static FileOutputStream wire, reported;

    public static void main(String[] given) throws Exception {
        folder = Path.of(given[0]);
        delay = Long.parseLong(given[1]);
        version = Short.parseShort(given[2], 16);
        wire = new FileOutputStream(folder.resolve("wire.log").toFile(), true);
        reported = new FileOutputStream(folder.resolve("reported.log").toFile(), true);
        for (int i = 3; i < given.length; i++) listen(Integer.parseInt(given[i]));
        Set<String> done = new HashSet<>(Files.readAllLines(folder.resolve("reported.log")));
        for (String line : Files.readAllLines(folder.resolve("wire.log"))) {
            String[] part = line.split(" ");
            if (!done.contains(part[1])) report(Integer.parseInt(part[0]), Long.parseLong(part[1], 16), part[4], "1");
        }
        System.out.println("listening");
    }

    static void listen(int port) throws Exception {
        CMPPServerEndpointEntity server = new CMPPServerEndpointEntity();
        server.setId("server-" + port);
        server.setHost("127.0.0.1");
        server.setPort(port);
        server.setValid(true);
        Account account = new Account(port);
        account.setId("account-" + port);
        account.setUserName("quanzu");
        account.setPassword("carrier1");
        account.setVersion(version);
        account.setValid(true);
        account.setMaxChannels((short) 4);
        account.setReSendFailMsg(false);
        server.addchild(account);
        EndpointManager.INS.openEndpoint(server);
        later.scheduleWithFixedDelay(() -> replies(port), 50, 50, TimeUnit.MILLISECONDS);
    }

    static class Account extends CMPPServerChildEndpointEntity {
        final int port;

        Account(int port) {
            this.port = port;
        }

        @Override
        protected CMPPServerChildEndpointConnector buildConnector() {
            return new CMPPServerChildEndpointConnector(this) {
                @Override
                protected void doBindHandler(ChannelPipeline pipe, EndpointEntity entity) {
                    pipe.addAfter(GlobalConstance.codecName, "taking", new Taking(port));
                    super.doBindHandler(pipe, entity);
                }
            };
        }
    }

    static class Taking extends ChannelDuplexHandler {
        final int port;

        Taking(int port) {
            this.port = port;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            sessions.put(port, context);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            if (message instanceof CmppSubmitRequestMessage got) submit(port, context, got);
            else if (message instanceof CmppDeliverResponseMessage got) answered(got);
            else if (message instanceof CmppQueryRequestMessage got) figures(context, got);
            else context.fireChannelRead(message);
        }
    }

    static void submit(int port, ChannelHandlerContext context, CmppSubmitRequestMessage got) throws Exception {
        CmppSubmitResponseMessage answer = new CmppSubmitResponseMessage(got.getHeader().getSequenceId());
        if (Files.exists(folder.resolve("throttle-" + port))) {
            answer.setResult(TOO_MUCH);
            context.writeAndFlush(answer);
            return;
        }
        long number = next.incrementAndGet();
        String to = String.join(",", got.getDestterminalId());
        write(wire, port + " " + Long.toHexString(number) + " " + (got.getMsgfmt().getValue() & 0xff) + " "
            + (got.getTpudhi() == 1 ? 0x40 : 0) + " " + to + " " + HexFormat.of().formatHex(got.getMsgContentBytes())
            + " " + got.getMsgsrc() + "/" + got.getServiceId() + "/" + got.getFeeUserType() + "/" + got.getFeeType()
            + "/" + got.getFeeCode() + "/" + got.getSrcId() + "/" + got.getRegisteredDelivery() + "\n");
        taken.incrementAndGet();
        answer.setMsgId(named(number));
        long after = number % 13 == 0 ? 5_000 : number % 5 == 0 ? 0 : delay;
        int times = number % 7 == 0 ? 2 : 1;
        for (int i = 0; i < times; i++) {
            later.schedule(() -> report(port, number, to, got.getSrcId()), after, TimeUnit.MILLISECONDS);
        }
        context.writeAndFlush(answer);
    }

    static synchronized void write(FileOutputStream log, String line) {
        try {
            log.write(line.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static MsgId named(long number) {
        return DefaultMsgIdUtil.bytes2MsgId(ByteBuffer.allocate(8).putLong(number).array());
    }

    static void report(int port, long number, String to, String from) {
        if (Files.exists(folder.resolve("mute-" + port))) return;
        CmppReportRequestMessage report = new CmppReportRequestMessage();
        report.setMsgId(named(number));
        report.setStat("DELIVRD");
        report.setDestterminalId(to);
        CmppDeliverRequestMessage made = new CmppDeliverRequestMessage();
        made.setMsgId(named(next.incrementAndGet()));
        made.setDestId(from);
        made.setSrcterminalId(to);
        made.setReportRequestMessage(report);
        deliver(port, made, () -> report(port, number, to, from), () -> write(reported, Long.toHexString(number) + "\n"));
    }

    static void replies(int port) {
        Path file = folder.resolve("reply-" + port);
        try {
            if (!Files.exists(file)) return;
            Path taken = folder.resolve("taken-" + port);  // the next may be written while these are delivered
            Files.move(file, taken, StandardCopyOption.REPLACE_EXISTING);
            for (String line : Files.readAllLines(taken)) reply(port, line);
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    static void reply(int port, String line) {
        String[] part = line.split(" ");  // telephone, our number, coding, 1 with a header, text in hexadecimal, id
        CmppDeliverRequestMessage made = new CmppDeliverRequestMessage();
        made.setMsgId(named(Long.parseLong(part[5], 16)));
        made.setDestId(part[1]);
        made.setSrcterminalId(part[0]);
        made.setMsgfmt(new SmsDcs((byte) Integer.parseInt(part[2])));
        made.setTpudhi(Short.parseShort(part[3]));
        byte[] content = HexFormat.of().parseHex(part[4]);
        made.setMsgContentBytes(content);
        made.setMsgLength((short) content.length);
        deliver(port, made, () -> reply(port, line), () -> {});
    }

    static void deliver(int port, CmppDeliverRequestMessage made, Runnable again, Runnable done) {
        ChannelHandlerContext context = sessions.get(port);
        int sequence = made.getHeader().getSequenceId();
        CompletableFuture<Long> answer = new CompletableFuture<>();
        unanswered.put(sequence, answer);
        if (context != null && context.channel().isActive()) context.writeAndFlush(made);
        answer.orTimeout(1, TimeUnit.SECONDS).whenComplete((result, error) -> {
            unanswered.remove(sequence);  // the gateway is gone, or has no room: later, and perhaps twice
            if (error != null || result != 0) later.schedule(again, 500, TimeUnit.MILLISECONDS);
            else done.run();
        });
    }

    static void answered(CmppDeliverResponseMessage got) {
        CompletableFuture<Long> answer = unanswered.get(got.getHeader().getSequenceId());
        if (answer != null) answer.complete(got.getResult());
    }

    static void figures(ChannelHandlerContext context, CmppQueryRequestMessage got) {
        CmppQueryResponseMessage answer = new CmppQueryResponseMessage(got.getHeader().getSequenceId());
        answer.setTime(got.getTime());
        answer.setMtTLMsg(taken.get());
        answer.setMtTLUsr(taken.get());
        answer.setMtScs(taken.get());
        context.writeAndFlush(answer);
    }
}
