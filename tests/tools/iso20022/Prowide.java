import com.prowidesoftware.swift.model.mx.MxCamt02900110;
import com.prowidesoftware.swift.model.mx.MxCamt05600109;
import com.prowidesoftware.swift.model.mx.MxPacs00200111;
import com.prowidesoftware.swift.model.mx.MxPacs00800108;
import com.prowidesoftware.swift.model.mx.MxPacs02800103;
import com.prowidesoftware.swift.model.mx.MxPacs02800106;
import com.prowidesoftware.swift.model.mx.dic.*;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;

/** Reads our stop order as Prowide reads it, and writes a bank's messages as Prowide writes them. Argument: a folder. */
public class Prowide {
    static final OffsetDateTime AT = OffsetDateTime.parse("2026-03-01T11:12:00+08:00");

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Case5 order = read(Files.readString(folder.resolve("camt.056.xml")));
        String asked = question(Files.readString(folder.resolve("pacs.028.xml")));
        newerQuestion(Files.readString(folder.resolve("pacs.028.001.06.xml")));
        Files.writeString(folder.resolve("pacs.002-pending.xml"), status(asked, "PDNG"));
        Files.writeString(folder.resolve("pacs.002-rejected.xml"), status(asked, "RJCT"));
        Files.writeString(folder.resolve("pacs.008.xml"), payment());
        Files.writeString(folder.resolve("pacs.002.xml"), report());
        Files.writeString(folder.resolve("camt.029.xml"), resolution(order));
    }

    /** Prints what a bank needs of the stop order, one fact a line. */
    static Case5 read(String xml) {
        var request = MxCamt05600109.parse(xml).getFIToFIPmtCxlReq();
        var one = request.getUndrlyg().get(0).getTxInf().get(0);
        var reason = one.getCxlRsnInf().get(0);
        System.out.println(request.getAssgnmt().getCreDtTm().toInstant());
        System.out.println(request.getAssgnmt().getAssgne().getAgt().getFinInstnId().getBICFI());
        System.out.println(request.getCase().getId());
        System.out.println(one.getOrgnlEndToEndId());
        System.out.println(one.getOrgnlIntrBkSttlmAmt().getValue() + " " + one.getOrgnlIntrBkSttlmAmt().getCcy());
        System.out.println(one.getOrgnlIntrBkSttlmDt());
        System.out.println(reason.getRsn().getCd());
        System.out.println(one.getOrgnlTxRef().getCdtrAcct().getId().getOthr().getId());
        return request.getCase();
    }

    /** Prints what a bank needs of the question about the stop order; returns the id of that order. */
    static String question(String xml) {
        var request = MxPacs02800103.parse(xml).getFIToFIPmtStsReq();
        var one = request.getTxInf().get(0);
        System.out.println(request.getGrpHdr().getMsgId().equals(one.getStsReqId()));
        System.out.println(request.getGrpHdr().getInstgAgt().getFinInstnId().getNm());
        System.out.println(request.getGrpHdr().getInstdAgt().getFinInstnId().getBICFI());
        System.out.println(one.getOrgnlGrpInf().getOrgnlMsgId());
        System.out.println(one.getOrgnlGrpInf().getOrgnlMsgNmId());
        System.out.println(one.getOrgnlEndToEndId());
        System.out.println(one.getOrgnlTxRef().getIntrBkSttlmAmt().getValue());
        System.out.println(one.getOrgnlTxRef().getCdtrAcct().getId().getOthr().getId());
        return one.getOrgnlGrpInf().getOrgnlMsgId();
    }

    static void newerQuestion(String xml) {
        var one = MxPacs02800106.parse(xml).getFIToFIPmtStsReq().getTxInf().get(0);
        System.out.println(one.getOrgnlGrpInf().getOrgnlMsgId());
        System.out.println(one.getOrgnlTxRef().getCdtrAcct().getId().getOthr().getId());
    }

    static String status(String order, String status) {
        var one = new PaymentTransaction123()
            .setOrgnlGrpInf(new OriginalGroupInformation29().setOrgnlMsgId(order).setOrgnlMsgNmId("camt.056.001.09"))
            .setOrgnlEndToEndId("E2E-1")
            .setTxSts(status);
        var message = new MxPacs00200111();
        return message.setFIToFIPmtStsRpt(
            new FIToFIPaymentStatusReportV11()
                .setGrpHdr(new GroupHeader91().setMsgId("M-3").setCreDtTm(AT))
                .addTxInfAndSts(one)).message();
    }

    static String payment() {
        var one = new CreditTransferTransaction39()
            .setPmtId(new PaymentIdentification7().setEndToEndId("E2E-7"))
            .setIntrBkSttlmAmt(new ActiveCurrencyAndAmount().setCcy("CNY").setValue(new BigDecimal("1234.50")))
            .setChrgBr(ChargeBearerType1Code.SLEV)
            .setDbtr(new PartyIdentification135().setNm("某某"))
            .setDbtrAcct(account("9900000000000001"))
            .setDbtrAgt(bank("ZZZZCNZZ"))
            .setCdtrAgt(bank("YYYYCNYY"))
            .setCdtr(new PartyIdentification135().setNm("某甲"))
            .setCdtrAcct(account("9900000000000002"));
        var header = new GroupHeader93()
            .setMsgId("M-1")
            .setCreDtTm(AT)
            .setNbOfTxs("1")
            .setSttlmInf(new SettlementInstruction7().setSttlmMtd(SettlementMethod1Code.CLRG));
        var message = new MxPacs00800108();
        return message.setFIToFICstmrCdtTrf(
            new FIToFICustomerCreditTransferV08().setGrpHdr(header).addCdtTrfTxInf(one)).message();
    }

    static String report() {
        var original = new OriginalTransactionReference31()
            .setIntrBkSttlmAmt(new ActiveOrHistoricCurrencyAndAmount().setCcy("CNY").setValue(new BigDecimal("1234.5")))
            .setDbtrAcct(account("9900000000000001"))
            .setDbtrAgt(bank("ZZZZCNZZ"))
            .setCdtrAcct(account("9900000000000002"));
        var one = new PaymentTransaction123().setOrgnlEndToEndId("E2E-7").setTxSts("ACSC").setOrgnlTxRef(original);
        var message = new MxPacs00200111();
        return message.setFIToFIPmtStsRpt(
            new FIToFIPaymentStatusReportV11()
                .setGrpHdr(new GroupHeader91().setMsgId("M-2").setCreDtTm(AT))
                .addTxInfAndSts(one)).message();
    }

    static String resolution(Case5 order) {
        var held = new ActiveOrHistoricCurrencyAndAmount().setCcy("CNY").setValue(new BigDecimal("800.00"));
        var one = new PaymentTransaction127()
            .setRslvdCase(order)
            .setTxCxlSts(CancellationIndividualStatus1Code.PDCR)
            .addCxlStsRsnInf(
                new CancellationStatusReason4().setRsn(new CancellationStatusReason3Choice().setPrtry("HELD")))
            .setRsltnRltdInf(new ResolutionData2().setIntrBkSttlmAmt(held));
        var centre = new Party40Choice().setPty(new PartyIdentification135().setNm("96110"));
        var assignment = new CaseAssignment5()
            .setId("A-1").setAssgnr(new Party40Choice().setAgt(bank("YYYYCNYY"))).setAssgne(centre).setCreDtTm(AT);
        var message = new MxCamt02900110();
        return message.setRsltnOfInvstgtn(
            new ResolutionOfInvestigationV10()
                .setAssgnmt(assignment)
                .setSts(new InvestigationStatus5Choice().setConf("PDCR"))
                .addCxlDtls(new UnderlyingTransaction25().addTxInfAndSts(one))).message();
    }

    static CashAccount38 account(String number) {
        var other = new GenericAccountIdentification1().setId(number);
        return new CashAccount38().setId(new AccountIdentification4Choice().setOthr(other));
    }

    static BranchAndFinancialInstitutionIdentification6 bank(String bic) {
        return new BranchAndFinancialInstitutionIdentification6()
            .setFinInstnId(new FinancialInstitutionIdentification18().setBICFI(bic));
    }
}
