# fmt: off
# ruff: noqa
# mypy: ignore-errors
"""The fields of call records as objects of pycrate. Compiled from schema.asn1: python -m tests.tools.charging_asn1."""

from pycrate_asn1rt.utils            import *
from pycrate_asn1rt.err              import *
from pycrate_asn1rt.glob             import make_GLOBAL, GLOBAL
from pycrate_asn1rt.dictobj          import ASN1Dict
from pycrate_asn1rt.refobj           import *
from pycrate_asn1rt.setobj           import *
from pycrate_asn1rt.asnobj_basic     import *
from pycrate_asn1rt.asnobj_str       import *
from pycrate_asn1rt.asnobj_construct import *
from pycrate_asn1rt.asnobj_class     import *
from pycrate_asn1rt.asnobj_ext       import *
from pycrate_asn1rt.init             import init_modules

class CallChargingRecords:

    _name_  = 'CallChargingRecords'
    _oid_   = []

    _obj_ = [
        'CallRecord',
        'MOCallRecord',
        'MTCallRecord',
        'Diagnostics',
        'SessionRecord',
        'InvolvedParty',
        ]
    _type_ = [
        'CallRecord',
        'MOCallRecord',
        'MTCallRecord',
        'Diagnostics',
        'SessionRecord',
        'InvolvedParty',
        ]
    _set_ = [
        ]
    _val_ = [
        ]
    _class_ = [
        ]
    _param_ = [
        ]

    #-----< CallRecord >-----#
    CallRecord = CHOICE(name='CallRecord', mode=MODE_TYPE)
    _CallRecord_moCallRecord = SET(name='moCallRecord', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'MOCallRecord')))
    _CallRecord_mtCallRecord = SET(name='mtCallRecord', mode=MODE_TYPE, tag=(1, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'MTCallRecord')))
    _CallRecord_sCSCFRecord = SET(name='sCSCFRecord', mode=MODE_TYPE, tag=(63, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'SessionRecord')))
    _CallRecord_aSRecord = SET(name='aSRecord', mode=MODE_TYPE, tag=(69, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'SessionRecord')))
    CallRecord._cont = ASN1Dict([
        ('moCallRecord', _CallRecord_moCallRecord),
        ('mtCallRecord', _CallRecord_mtCallRecord),
        ('sCSCFRecord', _CallRecord_sCSCFRecord),
        ('aSRecord', _CallRecord_aSRecord),
        ])
    CallRecord._ext = None

    #-----< MOCallRecord >-----#
    MOCallRecord = SET(name='MOCallRecord', mode=MODE_TYPE)
    _MOCallRecord_recordType = INT(name='recordType', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MOCallRecord_servedMSISDN = OCT_STR(name='servedMSISDN', mode=MODE_TYPE, tag=(3, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_callingNumber = OCT_STR(name='callingNumber', mode=MODE_TYPE, tag=(4, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_calledNumber = OCT_STR(name='calledNumber', mode=MODE_TYPE, tag=(5, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_recordingEntity = OCT_STR(name='recordingEntity', mode=MODE_TYPE, tag=(9, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MOCallRecord_seizureTime = OCT_STR(name='seizureTime', mode=MODE_TYPE, tag=(22, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_answerTime = OCT_STR(name='answerTime', mode=MODE_TYPE, tag=(23, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_callDuration = INT(name='callDuration', mode=MODE_TYPE, tag=(25, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MOCallRecord_causeForTerm = INT(name='causeForTerm', mode=MODE_TYPE, tag=(30, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MOCallRecord_diagnostics = CHOICE(name='diagnostics', mode=MODE_TYPE, tag=(31, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'Diagnostics')), opt=True)
    _MOCallRecord_callReference = OCT_STR(name='callReference', mode=MODE_TYPE, tag=(32, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MOCallRecord_sequenceNumber = INT(name='sequenceNumber', mode=MODE_TYPE, tag=(33, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_networkCallReference = OCT_STR(name='networkCallReference', mode=MODE_TYPE, tag=(38, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MOCallRecord_mSCAddress = OCT_STR(name='mSCAddress', mode=MODE_TYPE, tag=(39, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    MOCallRecord._cont = ASN1Dict([
        ('recordType', _MOCallRecord_recordType),
        ('servedMSISDN', _MOCallRecord_servedMSISDN),
        ('callingNumber', _MOCallRecord_callingNumber),
        ('calledNumber', _MOCallRecord_calledNumber),
        ('recordingEntity', _MOCallRecord_recordingEntity),
        ('seizureTime', _MOCallRecord_seizureTime),
        ('answerTime', _MOCallRecord_answerTime),
        ('callDuration', _MOCallRecord_callDuration),
        ('causeForTerm', _MOCallRecord_causeForTerm),
        ('diagnostics', _MOCallRecord_diagnostics),
        ('callReference', _MOCallRecord_callReference),
        ('sequenceNumber', _MOCallRecord_sequenceNumber),
        ('networkCallReference', _MOCallRecord_networkCallReference),
        ('mSCAddress', _MOCallRecord_mSCAddress),
        ])
    MOCallRecord._ext = None

    #-----< MTCallRecord >-----#
    MTCallRecord = SET(name='MTCallRecord', mode=MODE_TYPE)
    _MTCallRecord_recordType = INT(name='recordType', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MTCallRecord_servedMSISDN = OCT_STR(name='servedMSISDN', mode=MODE_TYPE, tag=(3, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_callingNumber = OCT_STR(name='callingNumber', mode=MODE_TYPE, tag=(4, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_recordingEntity = OCT_STR(name='recordingEntity', mode=MODE_TYPE, tag=(6, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MTCallRecord_seizureTime = OCT_STR(name='seizureTime', mode=MODE_TYPE, tag=(19, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_answerTime = OCT_STR(name='answerTime', mode=MODE_TYPE, tag=(20, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_callDuration = INT(name='callDuration', mode=MODE_TYPE, tag=(22, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MTCallRecord_causeForTerm = INT(name='causeForTerm', mode=MODE_TYPE, tag=(27, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MTCallRecord_diagnostics = CHOICE(name='diagnostics', mode=MODE_TYPE, tag=(28, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'Diagnostics')), opt=True)
    _MTCallRecord_callReference = OCT_STR(name='callReference', mode=MODE_TYPE, tag=(29, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _MTCallRecord_sequenceNumber = INT(name='sequenceNumber', mode=MODE_TYPE, tag=(30, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_networkCallReference = OCT_STR(name='networkCallReference', mode=MODE_TYPE, tag=(33, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _MTCallRecord_mSCAddress = OCT_STR(name='mSCAddress', mode=MODE_TYPE, tag=(34, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    MTCallRecord._cont = ASN1Dict([
        ('recordType', _MTCallRecord_recordType),
        ('servedMSISDN', _MTCallRecord_servedMSISDN),
        ('callingNumber', _MTCallRecord_callingNumber),
        ('recordingEntity', _MTCallRecord_recordingEntity),
        ('seizureTime', _MTCallRecord_seizureTime),
        ('answerTime', _MTCallRecord_answerTime),
        ('callDuration', _MTCallRecord_callDuration),
        ('causeForTerm', _MTCallRecord_causeForTerm),
        ('diagnostics', _MTCallRecord_diagnostics),
        ('callReference', _MTCallRecord_callReference),
        ('sequenceNumber', _MTCallRecord_sequenceNumber),
        ('networkCallReference', _MTCallRecord_networkCallReference),
        ('mSCAddress', _MTCallRecord_mSCAddress),
        ])
    MTCallRecord._ext = None

    #-----< Diagnostics >-----#
    Diagnostics = CHOICE(name='Diagnostics', mode=MODE_TYPE)
    _Diagnostics_gsm0408Cause = INT(name='gsm0408Cause', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _Diagnostics_itu_tQ767Cause = INT(name='itu-tQ767Cause', mode=MODE_TYPE, tag=(2, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    Diagnostics._cont = ASN1Dict([
        ('gsm0408Cause', _Diagnostics_gsm0408Cause),
        ('itu-tQ767Cause', _Diagnostics_itu_tQ767Cause),
        ])
    Diagnostics._ext = None

    #-----< SessionRecord >-----#
    SessionRecord = SET(name='SessionRecord', mode=MODE_TYPE)
    _SessionRecord_recordType = INT(name='recordType', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _SessionRecord_sIP_Method = STR_GRAPH(name='sIP-Method', mode=MODE_TYPE, tag=(2, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_role_of_Node = ENUM(name='role-of-Node', mode=MODE_TYPE, tag=(3, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_role_of_Node._cont = ASN1Dict([('originating', 0), ('terminating', 1)])
    _SessionRecord_role_of_Node._ext = None
    _SessionRecord_list_Of_Calling_Party_Address = SEQ_OF(name='list-Of-Calling-Party-Address', mode=MODE_TYPE, tag=(6, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    __SessionRecord_list_Of_Calling_Party_Address__item_ = CHOICE(name='_item_', mode=MODE_TYPE, typeref=ASN1RefType(('CallChargingRecords', 'InvolvedParty')))
    _SessionRecord_list_Of_Calling_Party_Address._cont = __SessionRecord_list_Of_Calling_Party_Address__item_
    _SessionRecord_called_Party_Address = CHOICE(name='called-Party-Address', mode=MODE_TYPE, tag=(7, TAG_CONTEXT_SPEC, TAG_IMPLICIT), typeref=ASN1RefType(('CallChargingRecords', 'InvolvedParty')), opt=True)
    _SessionRecord_serviceRequestTimeStamp = OCT_STR(name='serviceRequestTimeStamp', mode=MODE_TYPE, tag=(9, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_serviceDeliveryStartTimeStamp = OCT_STR(name='serviceDeliveryStartTimeStamp', mode=MODE_TYPE, tag=(10, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_serviceDeliveryEndTimeStamp = OCT_STR(name='serviceDeliveryEndTimeStamp', mode=MODE_TYPE, tag=(11, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_recordSequenceNumber = INT(name='recordSequenceNumber', mode=MODE_TYPE, tag=(16, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_iMS_Charging_Identifier = OCT_STR(name='iMS-Charging-Identifier', mode=MODE_TYPE, tag=(19, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_serviceReasonReturnCode = STR_UTF8(name='serviceReasonReturnCode', mode=MODE_TYPE, tag=(23, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    _SessionRecord_listOfReasonHeader = SEQ_OF(name='listOfReasonHeader', mode=MODE_TYPE, tag=(55, TAG_CONTEXT_SPEC, TAG_IMPLICIT), opt=True)
    __SessionRecord_listOfReasonHeader__item_ = STR_GRAPH(name='_item_', mode=MODE_TYPE)
    _SessionRecord_listOfReasonHeader._cont = __SessionRecord_listOfReasonHeader__item_
    SessionRecord._cont = ASN1Dict([
        ('recordType', _SessionRecord_recordType),
        ('sIP-Method', _SessionRecord_sIP_Method),
        ('role-of-Node', _SessionRecord_role_of_Node),
        ('list-Of-Calling-Party-Address', _SessionRecord_list_Of_Calling_Party_Address),
        ('called-Party-Address', _SessionRecord_called_Party_Address),
        ('serviceRequestTimeStamp', _SessionRecord_serviceRequestTimeStamp),
        ('serviceDeliveryStartTimeStamp', _SessionRecord_serviceDeliveryStartTimeStamp),
        ('serviceDeliveryEndTimeStamp', _SessionRecord_serviceDeliveryEndTimeStamp),
        ('recordSequenceNumber', _SessionRecord_recordSequenceNumber),
        ('iMS-Charging-Identifier', _SessionRecord_iMS_Charging_Identifier),
        ('serviceReasonReturnCode', _SessionRecord_serviceReasonReturnCode),
        ('listOfReasonHeader', _SessionRecord_listOfReasonHeader),
        ])
    SessionRecord._ext = None

    #-----< InvolvedParty >-----#
    InvolvedParty = CHOICE(name='InvolvedParty', mode=MODE_TYPE)
    _InvolvedParty_sIP_URI = STR_GRAPH(name='sIP-URI', mode=MODE_TYPE, tag=(0, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _InvolvedParty_tEL_URI = STR_GRAPH(name='tEL-URI', mode=MODE_TYPE, tag=(1, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    _InvolvedParty_iSDN_E164 = STR_GRAPH(name='iSDN-E164', mode=MODE_TYPE, tag=(3, TAG_CONTEXT_SPEC, TAG_IMPLICIT))
    InvolvedParty._cont = ASN1Dict([
        ('sIP-URI', _InvolvedParty_sIP_URI),
        ('tEL-URI', _InvolvedParty_tEL_URI),
        ('iSDN-E164', _InvolvedParty_iSDN_E164),
        ])
    InvolvedParty._ext = None

    _all_ = [
        _CallRecord_moCallRecord,
        _CallRecord_mtCallRecord,
        _CallRecord_sCSCFRecord,
        _CallRecord_aSRecord,
        CallRecord,
        _MOCallRecord_recordType,
        _MOCallRecord_servedMSISDN,
        _MOCallRecord_callingNumber,
        _MOCallRecord_calledNumber,
        _MOCallRecord_recordingEntity,
        _MOCallRecord_seizureTime,
        _MOCallRecord_answerTime,
        _MOCallRecord_callDuration,
        _MOCallRecord_causeForTerm,
        _MOCallRecord_diagnostics,
        _MOCallRecord_callReference,
        _MOCallRecord_sequenceNumber,
        _MOCallRecord_networkCallReference,
        _MOCallRecord_mSCAddress,
        MOCallRecord,
        _MTCallRecord_recordType,
        _MTCallRecord_servedMSISDN,
        _MTCallRecord_callingNumber,
        _MTCallRecord_recordingEntity,
        _MTCallRecord_seizureTime,
        _MTCallRecord_answerTime,
        _MTCallRecord_callDuration,
        _MTCallRecord_causeForTerm,
        _MTCallRecord_diagnostics,
        _MTCallRecord_callReference,
        _MTCallRecord_sequenceNumber,
        _MTCallRecord_networkCallReference,
        _MTCallRecord_mSCAddress,
        MTCallRecord,
        _Diagnostics_gsm0408Cause,
        _Diagnostics_itu_tQ767Cause,
        Diagnostics,
        _SessionRecord_recordType,
        _SessionRecord_sIP_Method,
        _SessionRecord_role_of_Node,
        __SessionRecord_list_Of_Calling_Party_Address__item_,
        _SessionRecord_list_Of_Calling_Party_Address,
        _SessionRecord_called_Party_Address,
        _SessionRecord_serviceRequestTimeStamp,
        _SessionRecord_serviceDeliveryStartTimeStamp,
        _SessionRecord_serviceDeliveryEndTimeStamp,
        _SessionRecord_recordSequenceNumber,
        _SessionRecord_iMS_Charging_Identifier,
        _SessionRecord_serviceReasonReturnCode,
        __SessionRecord_listOfReasonHeader__item_,
        _SessionRecord_listOfReasonHeader,
        SessionRecord,
        _InvolvedParty_sIP_URI,
        _InvolvedParty_tEL_URI,
        _InvolvedParty_iSDN_E164,
        InvolvedParty,
    ]

init_modules(CallChargingRecords)
